# SPDX-License-Identifier: GPL-3.0-or-later
# What runs the daemons: systemd units, their users, folders and logs, sample configuration. Users, folders and logs are
# told once for each kind of machine, as packages install them: a watched host, the one that collects, the manager's.
systemdunitdir = $(prefix)/lib/systemd/system
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
logrotatedir = $(sysconfdir)/logrotate.d
examplesdir = $(docdir)/examples

dist_units = dist/grappe-agent.service dist/grappe-capture.service dist/grappe-collector.service \
	dist/grappe-collector-agent.service \
	dist/grappe-manager.service dist/grappe-report.service
dist_sysusers = dist/sysusers/grappe-agent.conf dist/sysusers/grappe-collector.conf dist/sysusers/grappe-manager.conf
dist_tmpfiles = dist/tmpfiles/grappe-agent.conf dist/tmpfiles/grappe-collector.conf dist/tmpfiles/grappe-manager.conf
nodist_systemdunit_DATA = $(dist_units)
dist_systemdunit_DATA = dist/grappe-report.timer
nodist_sysusers_DATA = $(dist_sysusers)
nodist_tmpfiles_DATA = $(dist_tmpfiles)
dist_logrotate_DATA = dist/logrotate/grappe-agent dist/logrotate/grappe-collector dist/logrotate/grappe-manager
dist_examples_DATA = dist/examples/agent.conf dist/examples/capture.conf dist/examples/collector.conf \
	dist/examples/collector-agent.conf \
	dist/examples/manager.conf dist/examples/grappe-report.cron
EXTRA_DIST += $(dist_units:=.in) $(dist_sysusers:=.in) $(dist_tmpfiles:=.in)
CLEANFILES += $(dist_units) $(dist_sysusers) $(dist_tmpfiles)

dist_fill = $(MKDIR_P) $(@D) && sed -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@bindir[@]|$(bindir)|g' -e 's|@statedir[@]|$(localstatedir)/lib/grappe|g'
dist/%.service: dist/%.service.in Makefile
	$(AM_V_GEN)$(dist_fill) $< > $@
dist/%.conf: dist/%.conf.in Makefile
	$(AM_V_GEN)$(dist_fill) $< > $@

# Debian packages, built from a tarball or from the tree: dpkg-buildpackage -b (doc/packages.md).
EXTRA_DIST += debian/changelog debian/control debian/copyright debian/rules debian/source/format \
	debian/conf/agent.conf debian/conf/capture.conf debian/conf/collector.conf debian/conf/collector-agent.conf \
	debian/conf/manager.conf \
	debian/grappe-agent.README.Debian debian/grappe-agent.install debian/grappe-agent.postrm \
	debian/grappe-collector.README.Debian debian/grappe-collector.install debian/grappe-collector.postrm \
	debian/grappe-doc.install debian/grappe-manager.README.Debian debian/grappe-manager.install debian/grappe-manager.postrm \
	debian/grappe-nagios.install \
	debian/grappe-agent.lintian-overrides debian/grappe-collector.lintian-overrides \
	debian/grappe-doc.lintian-overrides debian/grappe-manager.lintian-overrides \
	debian/grappe-nagios.lintian-overrides debian/source/lintian-overrides
