# SPDX-License-Identifier: GPL-3.0-or-later
# The manager
if TESTS_ENABLED
MANAGER_TESTS = tests/unit/test_group_auto tests/unit/test_group_thesis tests/unit/test_shape tests/unit/test_shape_noise tests/unit/test_plan \
	tests/unit/test_environment tests/unit/test_effect tests/unit/test_report_heat tests/unit/test_environment_feed tests/unit/test_execution tests/unit/test_executor tests/unit/test_solve tests/unit/test_template tests/unit/test_residence tests/unit/test_state_file tests/unit/test_hazard tests/unit/test_group_identity tests/unit/test_advice tests/unit/test_source \
	tests/replay/replay_manager tests/replay/replay_stability
if GLPK_ENABLED
MANAGER_TESTS += tests/unit/test_prove
endif
check_PROGRAMS += $(MANAGER_TESTS)
TESTS += $(MANAGER_TESTS) tests/unit/test_grappe.sh tests/unit/test_plan_instance.sh tests/unit/test_decisions.sh tests/unit/test_place.sh
FUZZ_TESTS += tests/fuzz/fuzz_environment tests/fuzz/fuzz_advice tests/fuzz/fuzz_instance tests/fuzz/fuzz_residence tests/fuzz/fuzz_carry tests/fuzz/fuzz_cloud tests/fuzz/fuzz_report
endif
MANAGER_TEST_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(EVENT_CFLAGS) $(CHECK_CFLAGS) \
	-DTEST_DATA='"$(abs_top_srcdir)/tests/data"'
MANAGER_CORE_LIBS = libgrappe-manager.la libgrappe-common.la $(JANSSON_LIBS) $(CHECK_LIBS) -lm
MANAGER_TEST_LIBS = libgrappe-manage.la $(CHECK_LIBS) -lm
tests_unit_test_group_auto_SOURCES = tests/unit/test_group_auto.c tests/fakes/planted.c tests/fakes/planted.h
tests_unit_test_group_auto_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_group_auto_LDADD = $(MANAGER_CORE_LIBS)
# Made by tests/bench/groups.sh.
EXTRA_PROGRAMS += tests/bench/peer_groups
tests_bench_peer_groups_SOURCES = tests/bench/peer_groups.c tests/fakes/planted.c tests/fakes/planted.h
tests_bench_peer_groups_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(IGRAPH_CFLAGS)
tests_bench_peer_groups_LDADD = libgrappe-manage.la libgrappe-manager.la libgrappe-common.la $(JANSSON_LIBS) $(IGRAPH_LIBS) -lm
tests_unit_test_group_thesis_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_group_thesis_LDADD = $(MANAGER_CORE_LIBS)
tests_unit_test_shape_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_shape_LDADD = $(MANAGER_CORE_LIBS)
tests_unit_test_shape_noise_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_shape_noise_LDADD = $(MANAGER_CORE_LIBS)
TEST_WORLD = tests/fakes/world.c tests/fakes/world.h
tests_unit_test_plan_SOURCES = tests/unit/test_plan.c $(TEST_WORLD)
tests_unit_test_plan_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_plan_LDADD = $(MANAGER_TEST_LIBS)
tests_unit_test_group_identity_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_group_identity_LDADD = $(MANAGER_CORE_LIBS)
tests_unit_test_hazard_SOURCES = tests/unit/test_hazard.c $(TEST_WORLD)
tests_unit_test_hazard_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_hazard_LDADD = $(MANAGER_TEST_LIBS)
tests_unit_test_state_file_SOURCES = tests/unit/test_state_file.c
tests_unit_test_state_file_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_state_file_LDADD = $(MANAGER_TEST_LIBS)
tests_unit_test_residence_SOURCES = tests/unit/test_residence.c tests/fakes/observed.c tests/fakes/observed.h $(TEST_WORLD)
tests_unit_test_residence_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_residence_LDADD = $(MANAGER_TEST_LIBS)
tests_unit_test_template_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_template_LDADD = $(MANAGER_CORE_LIBS)
tests_unit_test_report_heat_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_report_heat_LDADD = $(MANAGER_CORE_LIBS)
tests_unit_test_effect_SOURCES = tests/unit/test_effect.c tests/fakes/observed.c tests/fakes/observed.h
tests_unit_test_effect_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_effect_LDADD = $(MANAGER_CORE_LIBS)
# It plays the cloud itself.
tests_unit_test_executor_SOURCES = tests/unit/test_executor.c manager/executor.c manager/executor.h
tests_unit_test_executor_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_executor_LDADD = $(MANAGER_CORE_LIBS) $(EVENT_LIBS)
tests_unit_test_environment_feed_SOURCES = tests/unit/test_environment_feed.c tests/fakes/observed.c tests/fakes/observed.h
tests_unit_test_environment_feed_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_environment_feed_LDADD = $(MANAGER_TEST_LIBS)
tests_unit_test_execution_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_execution_LDADD = $(MANAGER_CORE_LIBS)
tests_unit_test_environment_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_environment_LDADD = $(MANAGER_CORE_LIBS)
tests_unit_test_advice_SOURCES = tests/unit/test_advice.c tests/fakes/observed.c tests/fakes/observed.h
tests_unit_test_advice_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_advice_LDADD = $(MANAGER_TEST_LIBS)
tests_unit_test_source_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_source_LDADD = $(MANAGER_TEST_LIBS)
tests_replay_replay_stability_SOURCES = tests/replay/replay_stability.c $(TEST_WORLD)
tests_replay_replay_stability_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_replay_replay_stability_LDADD = $(MANAGER_TEST_LIBS)
tests_replay_replay_manager_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_replay_replay_manager_LDADD = $(MANAGER_TEST_LIBS)

FUZZ_TARGETS += environment advice
FUZZ_MORE_environment = manager/environment.c manager/environment_change.c manager/json_fields.c
FUZZ_MORE_advice = manager/recommendation.c manager/history.c manager/report.c manager/explain.c \
	manager/graph.c manager/json_fields.c manager/observation.c manager/pattern.c manager/shape.c
tests_fuzz_fuzz_environment_SOURCES = tests/fuzz/fuzz_environment.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_environment_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/environment"'
tests_fuzz_fuzz_environment_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_environment_LDADD = libgrappe-manager.la libgrappe-common.la $(JANSSON_LIBS) -lm
tests_fuzz_fuzz_advice_SOURCES = tests/fuzz/fuzz_advice.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_advice_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/advice"'
tests_fuzz_fuzz_advice_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_advice_LDADD = libgrappe-manager.la libgrappe-common.la $(JANSSON_LIBS) -lm

EXTRA_DIST += tests/unit/test_grappe.sh \
	tests/data/npb/README.md tests/data/npb/bt.A.4.csv tests/data/npb/cg.A.4.csv \
	tests/data/npb/cg.A.8.csv tests/data/npb/ep.A.4.csv tests/data/npb/ep.A.8.csv \
	tests/data/npb/lu.A.4.csv tests/data/npb/lu.A.8.csv tests/data/npb/mg.A.8.csv

# Planning instances; tests/data/plan/README.md says what they are.
EXTRA_DIST += tests/data/plan tests/bench/plan.sh tests/bench/plan_bench.py tests/bench/plan_instance.py tests/bench/groups.sh tests/bench/groups_bench.py tests/unit/test_plan_instance.sh \
	tests/unit/plan_judge.py
tests_unit_test_prove_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_prove_LDADD = libgrappe-prove.la $(MANAGER_CORE_LIBS)
tests_unit_test_solve_CFLAGS = $(MANAGER_TEST_CFLAGS)
tests_unit_test_solve_LDADD = $(MANAGER_CORE_LIBS)
FUZZ_TARGETS += residence
FUZZ_MORE_residence = manager/residence.c manager/observation.c manager/json_fields.c manager/state_file.c
tests_fuzz_fuzz_residence_SOURCES = tests/fuzz/fuzz_residence.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_residence_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/residence"'
tests_fuzz_fuzz_residence_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_residence_LDADD = libgrappe-manager.la libgrappe-common.la $(JANSSON_LIBS) -lm
FUZZ_TARGETS += instance
FUZZ_MORE_instance = $(filter manager/solve%.c,$(libgrappe_manager_la_SOURCES))
tests_fuzz_fuzz_instance_SOURCES = tests/fuzz/fuzz_instance.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_instance_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/instance"'
tests_fuzz_fuzz_instance_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_instance_LDADD = libgrappe-manager.la libgrappe-common.la -lm

EXTRA_DIST += tests/unit/test_place.sh tests/unit/test_decisions.sh tests/data/decisions
FUZZ_TARGETS += carry
FUZZ_MORE_carry = manager/effect.c manager/effects.c manager/execution.c manager/environment.c \
	manager/json_fields.c manager/observation.c manager/explain.c manager/recommendation.c manager/state_file.c
tests_fuzz_fuzz_carry_SOURCES = tests/fuzz/fuzz_carry.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_carry_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/carry"'
tests_fuzz_fuzz_carry_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_carry_LDADD = libgrappe-manager.la libgrappe-common.la $(JANSSON_LIBS) -lm
FUZZ_TARGETS += cloud
FUZZ_MORE_cloud = manager/cloud_openstack_answer.c manager/cloud_ganeti_answer.c manager/cloud_survey.c manager/json_fields.c
tests_fuzz_fuzz_cloud_SOURCES = tests/fuzz/fuzz_cloud.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_cloud_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/cloud"'
tests_fuzz_fuzz_cloud_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_cloud_LDADD = libgrappe-publish.la libgrappe-manager.la libgrappe-common.la $(JANSSON_LIBS) $(EVENT_LIBS) -lm

# Reports
if TESTS_ENABLED
check_PROGRAMS += tests/fakes/archive_feed
TESTS += tests/unit/test_report.sh
endif
FUZZ_TARGETS += report
FUZZ_MORE_report = $(filter manager/report_picture%.c,$(libgrappe_manager_la_SOURCES)) manager/report_html.c \
	manager/report_text.c manager/report_words.c manager/explain.c
tests_fuzz_fuzz_report_SOURCES = tests/fuzz/fuzz_report.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_report_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/report"'
tests_fuzz_fuzz_report_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_report_LDADD = libgrappe-manager.la libgrappe-common.la $(JANSSON_LIBS) -lm
tests_fakes_archive_feed_SOURCES = tests/fakes/archive_feed.c
tests_fakes_archive_feed_LDADD = libgrappe-rrd.la libgrappe-common.la
EXTRA_DIST += tests/unit/test_report.sh tests/fakes/report_world.sh
