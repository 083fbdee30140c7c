# SPDX-License-Identifier: GPL-3.0-or-later

# Posting and monitoring
dist_doc_DATA += doc/clouds.md doc/execution.md doc/dashboards.md doc/nagios.md doc/webhook.md doc/cacti.md doc/cacti.png doc/report.png

# The whole
dist_doc_DATA += doc/architecture.md doc/packages.md doc/requirements.md

# Formats and configuration
dist_doc_DATA += doc/configuration.md doc/period-format.md doc/protocol.md doc/recommendation.md doc/report.md

# The sensor
dist_doc_DATA += doc/benchmarks.md doc/discovery.md doc/sensor.md

# The collector
dist_doc_DATA += doc/collector.md doc/query.md doc/grappe-answer.xsd

# SNMP
dist_doc_DATA += doc/snmp.md

# Archives
dist_doc_DATA += doc/archives.md

# Groups and plans
dist_doc_DATA += doc/environment.md doc/groups.md doc/instances.md doc/model.md doc/planning.md
