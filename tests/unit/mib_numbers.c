/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prints every object of common/mib.h as "name .number.number…" for test_mib_file.sh. */
#include "common/mib.h"

#include <stdio.h>

#define OID(...) ((const unsigned[]){__VA_ARGS__, 0})
#define SCALAR(name, number)                                                                       \
	{                                                                                          \
		"grappeAgent" name, OID(MIB_AGENT, number)                                         \
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
    COLUMN("grappePeriodPackets", MIB_PERIOD, MIB_PERIOD_PACKETS),
    COLUMN("grappePeriodOctets", MIB_PERIOD, MIB_PERIOD_OCTETS),
    COLUMN("grappePeriodSentPackets", MIB_PERIOD, MIB_PERIOD_SENT_PACKETS),
    COLUMN("grappePeriodSentOctets", MIB_PERIOD, MIB_PERIOD_SENT_OCTETS),
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
