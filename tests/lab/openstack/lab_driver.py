# SPDX-License-Identifier: GPL-3.0-or-later
"""Nova's own fake driver with a size, and with live migrations that take their time and can be aborted.

From the environment: LAB_VCPUS, LAB_RAM_MB, LAB_DISK_GB, LAB_MIGRATE_S (a file that may hold another number
of seconds is named by LAB_MIGRATE_FILE).
"""
import os
import time

from nova.virt import fake


def migration_seconds():
    try:
        with open(os.environ["LAB_MIGRATE_FILE"], encoding="ascii") as file:
            return float(file.read())
    except (KeyError, OSError, ValueError):
        return float(os.environ.get("LAB_MIGRATE_S", 2))


class Driver(fake.FakeDriver):
    vcpus = int(os.environ.get("LAB_VCPUS", 8))
    memory_mb = int(os.environ.get("LAB_RAM_MB", 16384))
    local_gb = int(os.environ.get("LAB_DISK_GB", 200))
    aborted = False

    def live_migration(self, context, instance, dest, post_method, recover_method, block_migration=False,
                       migrate_data=None):
        self.aborted, end = False, time.time() + migration_seconds()
        while time.time() < end and not self.aborted:
            time.sleep(0.1)
        if self.aborted:
            recover_method(context, instance, dest, migrate_data, migration_status="cancelled")
        else:
            post_method(context, instance, dest, block_migration, migrate_data)

    def live_migration_force_complete(self, instance):
        pass

    def live_migration_abort(self, instance):
        self.aborted = True

    def post_live_migration(self, context, instance, block_device_info, migrate_data=None):
        self.destroy(context, instance, network_info=None, block_device_info=block_device_info)
