/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prints every object of common/mib.h as "name .number.number…" for test_mib_file.sh. */
#include "common/mib.h"

#include <stdio.h>

#define OID(...) ((const unsigned[]){__VA_ARGS__, 0})
#define SCALAR(name, number)                                                                       \
	{                                                                                          \
		"grappeAgent" name, OID(MIB_AGENT, number)                                         \
	}
#define COLLECTOR(name, number)                                                                    \
	{                                                                                          \
		"grappeCollector" name, OID(MIB_COLLECTOR_INFO, number)                            \
	}
#define COLUMN(name, table, number)                                                                \
	{                                                                                          \
		name, OID(table, number)                                                           \
	}

static const struct {
	const char *name;
	const unsigned *numbers; /* ends with 0 */
} objects[] = {
    SCALAR("Version", MIB_AGENT_VERSION),
    SCALAR("PeriodLength", MIB_AGENT_PERIOD_LENGTH),
    SCALAR("LastEnd", MIB_AGENT_LAST_END),
    SCALAR("HistoryDepth", MIB_AGENT_HISTORY_DEPTH),
    SCALAR("StartTime", MIB_AGENT_START_TIME),
    SCALAR("Drops", MIB_AGENT_DROPS),
    SCALAR("Overflow", MIB_AGENT_OVERFLOW),
    SCALAR("Unmatched", MIB_AGENT_UNMATCHED),
    SCALAR("ClockState", MIB_AGENT_CLOCK_STATE),
    SCALAR("ClockOffset", MIB_AGENT_CLOCK_OFFSET),
    SCALAR("PairRows", MIB_AGENT_PAIR_ROWS),
    SCALAR("Vms", MIB_AGENT_VMS),
    SCALAR("Vifs", MIB_AGENT_VIFS),
    SCALAR("CaptureState", MIB_AGENT_CAPTURE_STATE),
    SCALAR("Estimated", MIB_AGENT_ESTIMATED),
    SCALAR("Malformed", MIB_AGENT_MALFORMED),
    SCALAR("Backend", MIB_AGENT_BACKEND),
    SCALAR("BackendReason", MIB_AGENT_BACKEND_REASON),
    SCALAR("UnmatchedOctets", MIB_AGENT_UNMATCHED_OCTETS),
    COLUMN("grappePeriodInfoLength", MIB_PERIOD_INFO, MIB_INFO_LENGTH),
    COLUMN("grappePeriodInfoFlags", MIB_PERIOD_INFO, MIB_INFO_FLAGS),
    COLUMN("grappePeriodInfoRows", MIB_PERIOD_INFO, MIB_INFO_ROWS),
    COLUMN("grappePeriodInfoChunks", MIB_PERIOD_INFO, MIB_INFO_CHUNKS),
    COLUMN("grappePeriodInfoBytes", MIB_PERIOD_INFO, MIB_INFO_BYTES),
    COLUMN("grappePeriodInfoCrc", MIB_PERIOD_INFO, MIB_INFO_CRC),
    COLUMN("grappePeriodInfoDrops", MIB_PERIOD_INFO, MIB_INFO_DROPS),
    COLUMN("grappePeriodInfoUnmatched", MIB_PERIOD_INFO, MIB_INFO_UNMATCHED),
    COLUMN("grappePeriodInfoEstimated", MIB_PERIOD_INFO, MIB_INFO_ESTIMATED),
    COLUMN("grappePeriodInfoMalformed", MIB_PERIOD_INFO, MIB_INFO_MALFORMED),
    COLUMN("grappePeriodInfoBackend", MIB_PERIOD_INFO, MIB_INFO_BACKEND),
    COLUMN("grappePeriodBlockData", MIB_PERIOD_BLOCK, MIB_BLOCK_DATA),
    COLUMN("grappeVmId", MIB_VM, MIB_VM_ID),
    COLUMN("grappeVmName", MIB_VM, MIB_VM_NAME),
    COLUMN("grappeVmVcpus", MIB_VM, MIB_VM_VCPUS),
    COLUMN("grappeVmMemory", MIB_VM, MIB_VM_MEMORY),
    COLUMN("grappeVmVifs", MIB_VM, MIB_VM_VIFS),
    COLUMN("grappeVmApplication", MIB_VM, MIB_VM_APPLICATION),
    COLUMN("grappeVmLastEnd", MIB_VM, MIB_VM_LAST_END),
    COLUMN("grappeVifVm", MIB_VIF, MIB_VIF_VM),
    COLUMN("grappeVifSegment", MIB_VIF, MIB_VIF_SEGMENT),
    COLUMN("grappeVifInterface", MIB_VIF, MIB_VIF_INTERFACE),
    COLUMN("grappeVifMacs", MIB_VIF, MIB_VIF_MACS),
    COLUMN("grappeVifAddresses", MIB_VIF, MIB_VIF_ADDRESSES),
    COLUMN("grappeVifRouter", MIB_VIF, MIB_VIF_ROUTER),
    COLUMN("grappeVifCovered", MIB_VIF, MIB_VIF_COVERED),
    COLUMN("grappeVifMulticastPackets", MIB_VIF, MIB_VIF_MULTICAST_PACKETS),
    COLUMN("grappeVifMulticastOctets", MIB_VIF, MIB_VIF_MULTICAST_OCTETS),
    COLUMN("grappeVifOtherPackets", MIB_VIF, MIB_VIF_OTHER_PACKETS),
    COLUMN("grappeVifOtherOctets", MIB_VIF, MIB_VIF_OTHER_OCTETS),
    COLUMN("grappeVifNonIpPackets", MIB_VIF, MIB_VIF_NON_IP_PACKETS),
    COLUMN("grappeVifEvidence", MIB_VIF, MIB_VIF_EVIDENCE),
    COLUMN("grappePairPackets", MIB_PAIR, MIB_PAIR_PACKETS),
    COLUMN("grappePairOctets", MIB_PAIR, MIB_PAIR_OCTETS),
    COLUMN("grappePairSentPackets", MIB_PAIR, MIB_PAIR_SENT_PACKETS),
    COLUMN("grappePairSentOctets", MIB_PAIR, MIB_PAIR_SENT_OCTETS),
    COLUMN("grappePairKey", MIB_PAIR, MIB_PAIR_KEY),
    COLUMN("grappePairPeer", MIB_PAIR, MIB_PAIR_PEER),
    COLUMN("grappePairLastEnd", MIB_PAIR, MIB_PAIR_LAST_END),
    COLUMN("grappePairVmName", MIB_PAIR, MIB_PAIR_VM_NAME),
    COLUMN("grappePeriodPackets", MIB_PERIOD, MIB_PERIOD_PACKETS),
    COLUMN("grappePeriodOctets", MIB_PERIOD, MIB_PERIOD_OCTETS),
    COLUMN("grappePeriodSentPackets", MIB_PERIOD, MIB_PERIOD_SENT_PACKETS),
    COLUMN("grappePeriodSentOctets", MIB_PERIOD, MIB_PERIOD_SENT_OCTETS),
    COLLECTOR("State", MIB_COLLECTOR_STATE),
    COLLECTOR("Error", MIB_COLLECTOR_ERROR),
    COLLECTOR("Age", MIB_COLLECTOR_AGE),
    COLLECTOR("AnswerTime", MIB_COLLECTOR_ANSWER_TIME),
    COLLECTOR("Version", MIB_COLLECTOR_VERSION),
    COLLECTOR("StartTime", MIB_COLLECTOR_START_TIME),
    COLLECTOR("PeriodLength", MIB_COLLECTOR_PERIOD_LENGTH),
    COLLECTOR("AgentsTotal", MIB_COLLECTOR_AGENTS_TOTAL),
    COLLECTOR("AgentsUp", MIB_COLLECTOR_AGENTS_UP),
    COLLECTOR("AgentsDown", MIB_COLLECTOR_AGENTS_DOWN),
    COLLECTOR("AgentsRefused", MIB_COLLECTOR_AGENTS_REFUSED),
    COLLECTOR("NewestEnd", MIB_COLLECTOR_NEWEST_END),
    COLLECTOR("NewestComplete", MIB_COLLECTOR_NEWEST_COMPLETE),
    COLLECTOR("CompleteEnd", MIB_COLLECTOR_COMPLETE_END),
    COLLECTOR("Lag", MIB_COLLECTOR_LAG),
    COLLECTOR("HourPeriods", MIB_COLLECTOR_HOUR_PERIODS),
    COLLECTOR("HourComplete", MIB_COLLECTOR_HOUR_COMPLETE),
    COLLECTOR("Pairs", MIB_COLLECTOR_PAIRS),
    COLLECTOR("Receivers", MIB_COLLECTOR_RECEIVERS),
    COLLECTOR("Drops", MIB_COLLECTOR_DROPS),
    COLLECTOR("ArchiveState", MIB_COLLECTOR_ARCHIVE_STATE),
    COLLECTOR("ArchiveError", MIB_COLLECTOR_ARCHIVE_ERROR),
    COLLECTOR("ArchiveEnd", MIB_COLLECTOR_ARCHIVE_END),
    COLLECTOR("ArchiveLag", MIB_COLLECTOR_ARCHIVE_LAG),
    COLLECTOR("ArchiveQueue", MIB_COLLECTOR_ARCHIVE_QUEUE),
    COLLECTOR("ArchiveFailures", MIB_COLLECTOR_ARCHIVE_FAILURES),
    COLLECTOR("ArchiveLost", MIB_COLLECTOR_ARCHIVE_LOST),
    COLLECTOR("FolderState", MIB_COLLECTOR_FOLDER_STATE),
    COLLECTOR("PeriodsDelivered", MIB_COLLECTOR_PERIODS_DELIVERED),
    COLLECTOR("PeriodsLost", MIB_COLLECTOR_PERIODS_LOST),
    COLLECTOR("AddressConflicts", MIB_COLLECTOR_ADDRESS_CONFLICTS),
    COLLECTOR("VmConflicts", MIB_COLLECTOR_VM_CONFLICTS),
    COLLECTOR("Memory", MIB_COLLECTOR_MEMORY),
    COLUMN("grappeCollectorAgentAddress", MIB_COLLECTOR_AGENT, MIB_COLLECTOR_AGENT_ADDRESS),
    COLUMN("grappeCollectorAgentHost", MIB_COLLECTOR_AGENT, MIB_COLLECTOR_AGENT_HOST),
    COLUMN("grappeCollectorAgentEnvironment", MIB_COLLECTOR_AGENT, MIB_COLLECTOR_AGENT_ENVIRONMENT),
    COLUMN("grappeCollectorAgentState", MIB_COLLECTOR_AGENT, MIB_COLLECTOR_AGENT_STATE),
    COLUMN("grappeCollectorAgentLastEnd", MIB_COLLECTOR_AGENT, MIB_COLLECTOR_AGENT_LAST_END),
    COLUMN("grappeCollectorAgentLag", MIB_COLLECTOR_AGENT, MIB_COLLECTOR_AGENT_LAG),
    COLUMN("grappeCollectorAgentMissed", MIB_COLLECTOR_AGENT, MIB_COLLECTOR_AGENT_MISSED),
    COLUMN("grappeCollectorAgentLost", MIB_COLLECTOR_AGENT, MIB_COLLECTOR_AGENT_LOST),
    COLUMN("grappeCollectorAgentTimeouts", MIB_COLLECTOR_AGENT, MIB_COLLECTOR_AGENT_TIMEOUTS),
    COLUMN("grappeCollectorAgentDrops", MIB_COLLECTOR_AGENT, MIB_COLLECTOR_AGENT_DROPS),
    COLUMN("grappeCollectorAgentClock", MIB_COLLECTOR_AGENT, MIB_COLLECTOR_AGENT_CLOCK),
    COLUMN("grappeCollectorAgentError", MIB_COLLECTOR_AGENT, MIB_COLLECTOR_AGENT_ERROR),
};

int main(void)
{
	for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
		printf("%s ", objects[i].name);
		for (const unsigned *number = objects[i].numbers; *number != 0; number++)
			printf(".%u", *number);
		printf("\n");
	}
	return 0;
}
