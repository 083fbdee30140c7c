# SPDX-License-Identifier: GPL-3.0-or-later
# What runs the daemons: systemd units, their users and folders, sample configuration.
systemdunitdir = $(prefix)/lib/systemd/system
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
examplesdir = $(docdir)/examples

dist_units = dist/grappe-agent.service dist/grappe-capture.service dist/grappe-collector.service \
	dist/grappe-collector-agent.service \
	dist/grappe-manager.service
nodist_systemdunit_DATA = $(dist_units)
nodist_sysusers_DATA = dist/grappe-sysusers.conf
nodist_tmpfiles_DATA = dist/grappe-tmpfiles.conf
dist_examples_DATA = dist/examples/agent.conf dist/examples/capture.conf dist/examples/collector.conf \
	dist/examples/collector-agent.conf \
	dist/examples/manager.conf
EXTRA_DIST += $(dist_units:=.in) dist/grappe-sysusers.conf.in dist/grappe-tmpfiles.conf.in
CLEANFILES += $(dist_units) dist/grappe-sysusers.conf dist/grappe-tmpfiles.conf

dist_fill = mkdir -p dist && sed -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@statedir[@]|$(localstatedir)/lib/grappe|g'
dist/%.service: dist/%.service.in Makefile
	$(AM_V_GEN)$(dist_fill) $< > $@
dist/%.conf: dist/%.conf.in Makefile
	$(AM_V_GEN)$(dist_fill) $< > $@
