/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * grappe.so: the same MIBs inside snmpd, without a subagent. snmpd.conf loads it:
 *
 *     dlmod grappe /usr/local/lib/grappe/grappe.so
 *     grappeConfig /etc/grappe/agent.conf
 *
 * snmpd calls init_grappe() when it reads the first line; the work begins when it has read all, and
 * an alarm looks for new periods. Everything runs in snmpd's one thread.
 */
#include "config.h"

#include "agent-module/feed.h"
#include "agent-module/mib_objects.h"
#include "agent-module/mib_vm.h"
#include "common/error.h"
#include "common/mib_serve.h"

/* net-snmp's headers bring their own configure results: keep ours. */
#undef PACKAGE_BUGREPORT
#undef PACKAGE_NAME
#undef PACKAGE_STRING
#undef PACKAGE_TARNAME
#undef PACKAGE_VERSION
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>

#include <limits.h>
#include <unistd.h>

#define SCAN_S 1
#define CONFIG_TOKEN "grappeConfig"
#define EXPORTED __attribute__((visibility("default")))

/* What snmpd looks for in a module "grappe". */
EXPORTED void init_grappe(void);
EXPORTED void deinit_grappe(void);

static struct {
	char config[PATH_MAX]; /* "": the default */
	struct agent_settings settings;
	struct feed feed;
	unsigned alarm; /* 0: the module does not serve */
} module;

static void on_log(enum log_level level, const char *text)
{
	static const int priorities[] = {[LOG_LEVEL_ERROR] = LOG_ERR,
	    [LOG_LEVEL_WARNING] = LOG_WARNING,
	    [LOG_LEVEL_INFO] = LOG_INFO,
	    [LOG_LEVEL_DEBUG] = LOG_DEBUG};

	snmp_log(priorities[level], "grappe: %s\n", text);
}

static void take_config(const char *token, char *line)
{
	(void)token;
	copy_nword(line, module.config, sizeof module.config);
}

static void on_alarm(unsigned number, void *argument)
{
	(void)number;
	(void)argument;
	feed_scan(&module.feed);
}

static int load_settings(void)
{
	const char *path =
	    module.config[0] != '\0' ? module.config : GRAPPE_SYSCONFDIR "/agent.conf";
	char message[512];
	int rc;

	/* Without a line in snmpd.conf, as without the file: the defaults. */
	if (module.config[0] == '\0' && access(path, F_OK) != 0)
		path = NULL;
	rc = settings_load(&agent_settings_schema, path, &module.settings, message, sizeof message);
	if (rc != GRAPPE_OK)
		log_error("%s", message);
	return rc;
}

static int register_views(void)
{
	int rc = mib_serve_register(&mib_objects_view);

	if (rc != GRAPPE_OK)
		return rc;
	if (module.settings.vm_mib && mib_serve_register(&mib_vm_view) != GRAPPE_OK)
		log_warning("snmpd has another VM-MIB: ours is not served");
	return GRAPPE_OK;
}

/* After each reading of snmpd's configuration; the first begins the work. */
static int on_config_read(int major, int minor, void *server, void *argument)
{
	(void)major;
	(void)minor;
	(void)server;
	(void)argument;
	if (module.alarm != 0 || load_settings() != GRAPPE_OK)
		return SNMPERR_SUCCESS;
	if (feed_open(&module.feed, &module.settings) != GRAPPE_OK ||
	    register_views() != GRAPPE_OK) {
		log_error("cannot serve: no memory, or another agent has our objects");
		mib_serve_unregister();
		feed_close(&module.feed);
		settings_free(&agent_settings_schema, &module.settings);
		return SNMPERR_SUCCESS;
	}
	module.alarm = snmp_alarm_register(SCAN_S, SA_REPEAT, on_alarm, NULL);
	log_info("READY: serving inside snmpd");
	return SNMPERR_SUCCESS;
}

void init_grappe(void)
{
	log_open("grappe", LOG_LEVEL_INFO);
	log_to(on_log);
	register_app_config_handler(CONFIG_TOKEN, take_config, NULL, "FILE");
	snmp_register_callback(
	    SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_POST_READ_CONFIG, on_config_read, NULL);
}

void deinit_grappe(void)
{
	snmp_unregister_callback(
	    SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_POST_READ_CONFIG, on_config_read, NULL, 0);
	unregister_app_config_handler(CONFIG_TOKEN);
	if (module.alarm == 0)
		return;
	snmp_alarm_unregister(module.alarm);
	module.alarm = 0;
	mib_serve_unregister();
	feed_save(&module.feed);
	feed_close(&module.feed);
	settings_free(&agent_settings_schema, &module.settings);
}
