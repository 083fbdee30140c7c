/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What clouds' APIs add to the environment document, and to where VMs are. */
#include "common/error.h"
#include "manager/cloud_kind.h"
#include "manager/cloud_survey.h"
#include "manager/environment.h"
#include "manager/environment_feed.h"
#include "tests/fakes/observed.h"
#include "tests/unit/unit.h"

static const char survey_text[] =
    "{\"hosts\":[{\"name\":\"c1\",\"group\":\"az1\",\"vcpu\":16,\"mem_GiB\":64},"
    "{\"name\":\"c2\",\"group\":\"az1\",\"vcpu\":8,\"closed\":true},"
    "{\"name\":\"c3\",\"group\":\"az2\",\"vcpu\":4},{\"name\":\"c4\"}],"
    "\"vms\":[{\"id\":\"mac-020000000001\",\"name\":\"x\",\"host\":\"c2\"},"
    "{\"name\":\"vm2\",\"host\":\"c2\"},{\"name\":\"vm3\",\"host\":\"nowhere\"},"
    "{\"name\":\"vm4\",\"host\":\"c1\"},{\"name\":\"vm4\",\"host\":\"c3\"}],"
    "\"sets\":[{\"name\":\"fast\",\"host\":\"c3\"}]}";

static const char document_text[] =
    "{\"version\":1,\"environments\":["
    "{\"name\":\"listed\",\"api\":\"nova\",\"hosts\":[{\"name\":\"hostA\",\"api_name\":\"c1\","
    "\"vcpu\":10},{\"name\":\"c2\"}]},"
    "{\"name\":\"set\",\"api\":\"nova\",\"api_group\":\"fast\"},"
    "{\"name\":\"other\",\"api\":\"else\",\"hosts\":[{\"name\":\"c4\"}]},"
    "{\"name\":\"zone\",\"api\":\"nova\",\"api_group\":\"az2\",\"hosts\":[]}]}";

static struct cloud_survey survey;
static json_t *document;

static void setup(void)
{
	char message[256];

	document = json_loads(document_text, 0, NULL);
	ck_assert_ptr_nonnull(document);
	ck_assert_msg(cloud_survey_parse(survey_text, strlen(survey_text), &survey, message,
			  sizeof message) == GRAPPE_OK,
	    "%s", message);
	ck_assert_int_eq(environment_feed(document, "nova", &survey), GRAPPE_OK);
}

static void teardown(void)
{
	json_decref(document);
	cloud_survey_deinit(&survey);
}

START_TEST(hosts_and_capacities_are_filled_in)
{
	char *text = json_dumps(document, JSON_COMPACT), message[256];
	struct environments environments;

	ck_assert_msg(environments_parse(
			  text, strlen(text), &environments, message, sizeof message) == GRAPPE_OK,
	    "%s", message);
	free(text);
	/* What the operator wrote counts; what he left out comes from the API. */
	ck_assert_uint_eq(environments.items[0].nhosts, 2);
	ck_assert_double_eq(environments.items[0].hosts[0].capacity.vcpu, 10);
	ck_assert_double_eq(environments.items[0].hosts[0].capacity.mem_GiB, 64);
	/* A closed host keeps its two VMs and takes no more. */
	ck_assert_double_eq(environments.items[0].hosts[1].capacity.max_vms, 2);
	ck_assert_int_ne(environments.items[0].hosts[1].drain, TRUTH_YES);
	/* By set and by group. */
	ck_assert_uint_eq(environments.items[1].nhosts, 1);
	ck_assert_str_eq(environments.items[1].hosts[0].name, "c3");
	ck_assert_double_eq(environments.items[1].hosts[0].capacity.vcpu, 4);
	ck_assert_uint_eq(environments.items[3].nhosts, 1);
	/* Another API's host of the same name is another host. */
	ck_assert_double_nan(environments.items[2].hosts[0].capacity.vcpu);
	environments_deinit(&environments);
}
END_TEST

START_TEST(places_of_vms_are_filled_in)
{
	struct observation observation;
	json_t *places = json_array();

	observed_make(&observation, "----AAA", 0);
	ck_assert_int_eq(environment_feed_places(document, "nova", &survey, places), GRAPPE_OK);
	ck_assert_uint_eq(json_array_size(places), 4);
	environment_place_vms(&observation, places);
	/* By id; by name; nobody knows its host; two are called so; sensors saw it. */
	ck_assert_str_eq(observation.vms[0].place.host, "c2");
	ck_assert_str_eq(observation.vms[0].place.environment, "listed");
	ck_assert_str_eq(observation.vms[1].place.host, "c2");
	ck_assert_str_eq(observation.vms[2].place.environment, "");
	ck_assert_str_eq(observation.vms[3].place.environment, "");
	ck_assert_str_eq(observation.vms[4].place.host, "hostA");
	json_decref(places);
	observation_deinit(&observation);
}
END_TEST

START_TEST(nothing_known_changes_nothing)
{
	const struct cloud_survey nothing = {0};
	json_t *copy = json_deep_copy(document);

	ck_assert_int_eq(environment_feed(document, "nova", &nothing), GRAPPE_OK);
	ck_assert_int_eq(environment_feed(document, "nobody", &survey), GRAPPE_OK);
	ck_assert(json_equal(copy, document));
	json_decref(copy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("environment_feed");
	TCase *tcase = tcase_create("environment_feed");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, hosts_and_capacities_are_filled_in);
	tcase_add_test(tcase, places_of_vms_are_filled_in);
	tcase_add_test(tcase, nothing_known_changes_nothing);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
