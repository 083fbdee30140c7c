# SPDX-License-Identifier: GPL-3.0-or-later

# The pure cores: groups, shapes, plans.
noinst_LTLIBRARIES += libgrappe-manager.la
libgrappe_manager_la_SOURCES = \
	manager/environment.c manager/environment.h \
	manager/environment_change.c manager/environment_change.h \
	manager/environment_feed.c manager/environment_feed.h \
	manager/back_off.h \
	manager/json_fields.c manager/json_fields.h \
	manager/effect.c manager/effect.h \
	manager/effects.c manager/effects.h \
	manager/execution.c manager/execution.h \
	manager/explain.c manager/explain.h \
	manager/graph.c manager/graph.h \
	manager/group.c manager/group.h \
	manager/group_auto.c manager/group_auto.h \
	manager/group_flow.c manager/group_flow.h \
	manager/group_identity.c manager/group_identity.h \
	manager/group_join.c manager/group_join.h \
	manager/group_strand.c manager/group_strand.h \
	manager/group_thesis.c manager/group_thesis.h \
	manager/groups.c manager/groups.h \
	manager/hazard.c manager/hazard.h \
	manager/hubs.c manager/hubs.h \
	manager/observation.c manager/observation.h \
	manager/pattern.c manager/pattern.h \
	manager/plan.c manager/plan.h \
	manager/plan_curve.c manager/plan_curve.h \
	manager/plan_hosts.c manager/plan_hosts.h \
	manager/problem.c manager/problem.h \
	manager/problem_rules.c manager/problem_rules.h \
	manager/history.c manager/history.h \
	manager/recommendation.c manager/recommendation.h \
	manager/recommendation_build.c \
	manager/report.c manager/report.h \
	manager/report_data.c manager/report_data.h \
	manager/report_groups.c manager/report_groups.h \
	manager/report_heat.c manager/report_heat.h \
	manager/report_input.c manager/report_input.h \
	manager/report_html.c manager/report_style.h \
	manager/report_picture.c manager/report_picture.h \
	manager/report_picture_group.c \
	manager/report_picture_series.c \
	manager/report_series.c manager/report_series.h \
	manager/report_text.c \
	manager/report_words.c manager/report_write.h \
	manager/residence.c manager/residence.h \
	manager/shape.c manager/shape.h \
	manager/state_file.c manager/state_file.h \
	manager/template.c manager/template.h \
	manager/solve.c manager/solve.h \
	manager/solve_cap.c manager/solve_cap.h \
	manager/solve_cluster.c manager/solve_cluster.h \
	manager/solve_graph.c manager/solve_graph.h \
	manager/solve_instance.c manager/solve_instance.h \
	manager/solve_levels.c manager/solve_levels.h \
	manager/solve_load.h \
	manager/solve_model.c manager/solve_model.h \
	manager/solve_open.c manager/solve_open.h \
	manager/solve_order.c manager/solve_order.h \
	manager/solve_places.h \
	manager/solve_rules.c manager/solve_rules.h \
	manager/solve_search.c manager/solve_search.h \
	manager/solve_sequence.c manager/solve_sequence.h \
	manager/solve_start.c manager/solve_start.h \
	manager/solve_state.c manager/solve_state.h \
	manager/solve_table.c manager/solve_table.h
libgrappe_manager_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
libgrappe_manager_la_LIBADD = libgrappe-common.la -lm

# Posting of recommendations, and the APIs of clouds: a library of its own, so that only it and its tests need libcurl.
noinst_LTLIBRARIES += libgrappe-publish.la
libgrappe_publish_la_SOURCES = \
	manager/child.c manager/child.h \
	manager/cloud.c manager/cloud.h manager/cloud_kind.h \
	manager/cloud_command.c \
	manager/cloud_ganeti.c \
	manager/cloud_ganeti_answer.c manager/cloud_ganeti_answer.h \
	manager/cloud_openstack.c manager/cloud_openstack.h \
	manager/cloud_openstack_answer.c manager/cloud_openstack_answer.h \
	manager/cloud_openstack_auth.c \
	manager/cloud_openstack_survey.c \
	manager/cloud_survey.c manager/cloud_survey.h \
	manager/cloud_watch.c manager/cloud_watch.h \
	manager/chat.c manager/chat.h \
	manager/dashboard.c manager/dashboard.h manager/dashboard_kind.h \
	manager/dashboard_command.c manager/dashboard_fifo.c manager/dashboard_http.c \
	manager/dashboard_format.c manager/dashboard_format.h \
	manager/dashboard_queue.c manager/dashboard_queue.h \
	manager/service_state.c manager/service_state.h \
	manager/mail.c manager/mail.h \
	manager/words.c manager/words.h \
	manager/http.c manager/http.h \
	manager/publish.c manager/publish.h \
	manager/publish_queue.c manager/publish_queue.h
libgrappe_publish_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
libgrappe_publish_la_LIBADD = libgrappe-manager.la libgrappe-common.la $(CURL_LIBS) $(EVENT_LIBS) $(JANSSON_LIBS)

# How far plans are from the optimum: a library of its own, so that only grappe needs GLPK.
noinst_LTLIBRARIES += libgrappe-prove.la
libgrappe_prove_la_SOURCES = manager/prove.h
if GLPK_ENABLED
libgrappe_prove_la_SOURCES += manager/prove.c manager/prove_pairs.c manager/prove_pairs.h
else
libgrappe_prove_la_SOURCES += manager/prove_none.c
endif
libgrappe_prove_la_LIBADD = libgrappe-manager.la libgrappe-common.la $(GLPK_LIBS) -lm

# The programs' shells.
noinst_LTLIBRARIES += libgrappe-manage.la
libgrappe_manage_la_SOURCES = \
	manager/advise.c manager/advise.h \
	manager/advisor.c manager/advisor.h \
	manager/carry.c manager/carry.h \
	manager/cli.c manager/cli.h \
	manager/cli_cloud.c \
	manager/cli_daemon.c \
	manager/cli_explain.c \
	manager/cli_groups.c \
	manager/explain_vm.c manager/explain_vm.h \
	manager/environment_watch.c manager/environment_watch.h \
	manager/cli_input.c manager/cli_input.h \
	manager/cli_live.c manager/cli_live.h \
	manager/cli_instance.c manager/cli_instance.h \
	manager/cli_place.c \
	manager/cli_plan.c \
	manager/cli_prove.c manager/cli_prove.h \
	manager/cli_report.c \
	manager/cycle.c manager/cycle.h \
	manager/effect_look.c manager/effect_look.h \
	manager/executor.c manager/executor.h \
	manager/follow.c manager/follow.h \
	manager/manager.c manager/manager.h \
	manager/manager_answer.c manager/manager_answer.h \
	manager/manager_settings.c manager/manager_settings.h \
	manager/report_archive.c manager/report_archive.h \
	manager/report_read.c manager/report_read.h \
	manager/source.c manager/source.h \
	manager/source_archive.c
libgrappe_manage_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
libgrappe_manage_la_LIBADD = libgrappe-manager.la libgrappe-publish.la libgrappe-rrd.la libgrappe-common.la

bin_PROGRAMS += grappe
grappe_SOURCES = manager/grappe_main.c
grappe_LDADD = libgrappe-manage.la libgrappe-prove.la

sbin_PROGRAMS += grappe-manager
grappe_manager_SOURCES = manager/manager_main.c
grappe_manager_LDADD = libgrappe-manage.la

dist_man_MANS += manager/grappe.1 manager/grappe-manager.8 manager/grappe-manager.conf.5
dist_man_MANS += manager/grappe-environments.5 manager/grappe-rules.5
