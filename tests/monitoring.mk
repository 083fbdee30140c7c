# SPDX-License-Identifier: GPL-3.0-or-later
# Tests of nagios/ and of posting to webhooks.
if TESTS_ENABLED
POSTING_TESTS = tests/unit/test_child tests/unit/test_cloud_ganeti tests/unit/test_cloud_openstack tests/unit/test_cloud_command tests/unit/test_environment_watch tests/unit/test_http tests/unit/test_publish tests/unit/test_publish_queue
check_PROGRAMS += $(POSTING_TESTS)
TESTS += $(POSTING_TESTS)
endif
PLUGIN_TESTS = tests/unit/test_extra_opts tests/unit/test_modes tests/unit/test_pair tests/unit/test_plugin \
	tests/unit/test_range
if TESTS_ENABLED
check_PROGRAMS += $(PLUGIN_TESTS) tests/fakes/status_daemon
TESTS += $(PLUGIN_TESTS) tests/unit/test_check_grappe.sh
endif
EXTRA_DIST += tests/unit/test_check_grappe.sh tests/data/status/README.md \
	tests/data/status/collector-ok.json tests/data/status/manager-idle.json \
	tests/data/status/manager-pending.json
tests_fakes_status_daemon_SOURCES = tests/fakes/status_daemon.c
tests_fakes_status_daemon_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
tests_fakes_status_daemon_LDADD = libgrappe-common.la
PLUGIN_TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
PLUGIN_TEST_LIBS = libgrappe-nagios.la libgrappe-common.la $(CHECK_LIBS) -lm
tests_unit_test_extra_opts_SOURCES = tests/unit/test_extra_opts.c
tests_unit_test_extra_opts_CFLAGS = $(PLUGIN_TEST_CFLAGS)
tests_unit_test_extra_opts_LDADD = $(PLUGIN_TEST_LIBS)
tests_unit_test_pair_SOURCES = tests/unit/test_pair.c
tests_unit_test_pair_CFLAGS = $(PLUGIN_TEST_CFLAGS)
tests_unit_test_pair_LDADD = $(PLUGIN_TEST_LIBS)
tests_unit_test_modes_SOURCES = tests/unit/test_modes.c
tests_unit_test_modes_CFLAGS = $(PLUGIN_TEST_CFLAGS)
tests_unit_test_modes_LDADD = $(PLUGIN_TEST_LIBS)
tests_unit_test_plugin_SOURCES = tests/unit/test_plugin.c
tests_unit_test_plugin_CFLAGS = $(PLUGIN_TEST_CFLAGS)
tests_unit_test_plugin_LDADD = $(PLUGIN_TEST_LIBS)
tests_unit_test_range_SOURCES = tests/unit/test_range.c
tests_unit_test_range_CFLAGS = $(PLUGIN_TEST_CFLAGS)
tests_unit_test_range_LDADD = $(PLUGIN_TEST_LIBS)
POSTING_TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
POSTING_TEST_LIBS = libgrappe-publish.la libgrappe-common.la $(CHECK_LIBS)
DASHBOARD_TESTS = tests/unit/test_dashboard tests/unit/test_dashboard_queue tests/unit/test_dashboard_settings tests/unit/test_service_state
if TESTS_ENABLED
check_PROGRAMS += $(DASHBOARD_TESTS)
TESTS += $(DASHBOARD_TESTS)
endif
tests_unit_test_dashboard_SOURCES = tests/unit/test_dashboard.c tests/fakes/http_server.c tests/fakes/http_server.h
tests_unit_test_dashboard_CFLAGS = $(POSTING_TEST_CFLAGS)
tests_unit_test_dashboard_LDADD = $(POSTING_TEST_LIBS)
tests_unit_test_dashboard_settings_CFLAGS = $(POSTING_TEST_CFLAGS)
tests_unit_test_dashboard_settings_LDADD = $(POSTING_TEST_LIBS)
tests_unit_test_dashboard_queue_CFLAGS = $(POSTING_TEST_CFLAGS)
tests_unit_test_dashboard_queue_LDADD = $(POSTING_TEST_LIBS)
tests_unit_test_service_state_CFLAGS = $(POSTING_TEST_CFLAGS)
tests_unit_test_service_state_LDADD = $(POSTING_TEST_LIBS)
HTTP_SERVER = tests/fakes/http_server.c tests/fakes/http_server.h
tests_unit_test_environment_watch_SOURCES = tests/unit/test_environment_watch.c $(HTTP_SERVER)
tests_unit_test_environment_watch_CFLAGS = $(POSTING_TEST_CFLAGS)
tests_unit_test_environment_watch_LDADD = libgrappe-manage.la $(POSTING_TEST_LIBS)
tests_unit_test_child_CFLAGS = $(POSTING_TEST_CFLAGS)
tests_unit_test_child_LDADD = $(POSTING_TEST_LIBS)
CLOUD_RUN = tests/fakes/cloud_run.c tests/fakes/cloud_run.h
tests_unit_test_cloud_command_SOURCES = tests/unit/test_cloud_command.c $(CLOUD_RUN)
tests_unit_test_cloud_command_CFLAGS = $(POSTING_TEST_CFLAGS)
tests_unit_test_cloud_command_LDADD = $(POSTING_TEST_LIBS)
tests_unit_test_cloud_ganeti_SOURCES = tests/unit/test_cloud_ganeti.c $(CLOUD_RUN) $(HTTP_SERVER)
tests_unit_test_cloud_ganeti_CFLAGS = $(POSTING_TEST_CFLAGS)
tests_unit_test_cloud_ganeti_LDADD = $(POSTING_TEST_LIBS)
tests_unit_test_cloud_openstack_SOURCES = tests/unit/test_cloud_openstack.c $(CLOUD_RUN) $(HTTP_SERVER)
tests_unit_test_cloud_openstack_CFLAGS = $(POSTING_TEST_CFLAGS)
tests_unit_test_cloud_openstack_LDADD = $(POSTING_TEST_LIBS)
tests_unit_test_http_SOURCES = tests/unit/test_http.c $(HTTP_SERVER)
tests_unit_test_http_CFLAGS = $(POSTING_TEST_CFLAGS)
tests_unit_test_http_LDADD = $(POSTING_TEST_LIBS)
tests_unit_test_publish_SOURCES = tests/unit/test_publish.c $(HTTP_SERVER)
tests_unit_test_publish_CFLAGS = $(POSTING_TEST_CFLAGS)
tests_unit_test_publish_LDADD = $(POSTING_TEST_LIBS)
tests_unit_test_publish_queue_SOURCES = tests/unit/test_publish_queue.c
tests_unit_test_publish_queue_CFLAGS = $(POSTING_TEST_CFLAGS)
tests_unit_test_publish_queue_LDADD = $(POSTING_TEST_LIBS)

LAB_TESTS += tests/lab/nagios.sh
EXTRA_DIST += tests/lab/nagios_server.sh tests/lab/tls.sh

LAB_TESTS += tests/lab/webhook.sh tests/lab/dashboard.sh

# Graphs in a real Cacti
LAB_TESTS += tests/lab/cacti.sh
EXTRA_DIST += tests/lab/cacti_server.sh tests/lab/png_colours.py
check_PROGRAMS += tests/lab/post_document
tests_lab_post_document_SOURCES = tests/lab/post_document.c
tests_lab_post_document_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
tests_lab_post_document_LDADD = libgrappe-publish.la libgrappe-common.la

if TESTS_ENABLED
FUZZ_TESTS += tests/fuzz/fuzz_extra_opts tests/fuzz/fuzz_pair tests/fuzz/fuzz_status
endif
FUZZ_TARGETS += extra_opts pair status
FUZZ_MORE_extra_opts = nagios/extra_opts.c
FUZZ_MORE_pair = nagios/pair.c
FUZZ_MORE_status = nagios/mode.c nagios/mode_archive.c nagios/mode_collector.c nagios/mode_drops.c \
	nagios/mode_queue.c nagios/mode_recommendation.c nagios/plugin.c nagios/range.c nagios/status.c
tests_fuzz_fuzz_status_SOURCES = tests/fuzz/fuzz_status.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_status_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/status"'
tests_fuzz_fuzz_status_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_status_LDADD = libgrappe-nagios.la libgrappe-common.la $(JANSSON_LIBS)
tests_fuzz_fuzz_extra_opts_SOURCES = tests/fuzz/fuzz_extra_opts.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_extra_opts_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/extra_opts"'
tests_fuzz_fuzz_extra_opts_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_extra_opts_LDADD = libgrappe-nagios.la libgrappe-common.la
tests_fuzz_fuzz_pair_SOURCES = tests/fuzz/fuzz_pair.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_pair_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/pair"'
tests_fuzz_fuzz_pair_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_pair_LDADD = libgrappe-nagios.la libgrappe-common.la

# A real Ganeti cluster; helpers are sourced.
LAB_TESTS += tests/lab/ganeti.sh
EXTRA_DIST += tests/lab/ganeti_server.sh tests/lab/cloud_loop.sh
# Real Nagios and Icinga that are told states; helpers are sourced.
LAB_TESTS += tests/lab/dashboards.sh
EXTRA_DIST += tests/lab/icinga_server.sh

if TESTS_ENABLED
FUZZ_TESTS += tests/fuzz/fuzz_dashboard
endif
FUZZ_TARGETS += dashboard
FUZZ_MORE_dashboard = manager/chat.c manager/dashboard_format.c manager/dashboard_queue.c manager/service_state.c \
	manager/json_fields.c manager/state_file.c
tests_fuzz_fuzz_dashboard_SOURCES = tests/fuzz/fuzz_dashboard.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_dashboard_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/dashboard"'
tests_fuzz_fuzz_dashboard_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_dashboard_LDADD = libgrappe-publish.la libgrappe-common.la $(JANSSON_LIBS)
