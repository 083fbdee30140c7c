# SPDX-License-Identifier: GPL-3.0-or-later
"""nova-compute without its package, which wants libvirt and KVM; finds lab_driver.py beside itself."""
import os

import nova.virt
from nova.cmd.compute import main

nova.virt.__path__.append(os.path.dirname(os.path.abspath(__file__)))
main()
