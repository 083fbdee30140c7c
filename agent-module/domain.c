/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/domain.h"

#include "common/error.h"

#include <string.h>

static void encode_domain(const struct domain *domain, struct buffer *out)
{
	const struct period_vif *facts = &domain->facts;

	buffer_put_text(out, facts->vm_id);
	buffer_put_text(out, facts->vm_name);
	buffer_put_text(out, facts->application);
	buffer_put_text(out, facts->os_type);
	buffer_put_u8(out, facts->oper_state);
	buffer_put_u8(out, facts->persistent);
	buffer_put_u8(out, facts->autostart);
	buffer_put_varint(out, facts->vcpu);
	buffer_put_varint(out, facts->vcpu_max);
	buffer_put_varint(out, facts->memory_bytes);
	buffer_put_varint(out, facts->memory_max_bytes);
	buffer_put_varint(out, facts->cpu_time_us);
	buffer_put_varint(out, domain->nnics);
	for (uint32_t i = 0; i < domain->nnics; i++) {
		buffer_put(out, domain->nics[i].mac.bytes, sizeof domain->nics[i].mac.bytes);
		buffer_put_text(out, domain->nics[i].interface);
		buffer_put_text(out, domain->nics[i].place.bridge);
		buffer_put_varint(out, domain->nics[i].place.vlan);
	}
}

void domain_record_encode(const struct domain_record *record, struct buffer *out)
{
	buffer_put_u8(out, (uint8_t)record->type);
	if (record->type == DOMAIN_ONE)
		encode_domain(&record->domain, out);
	else if (record->type == DOMAIN_TROUBLE)
		buffer_put_text(out, record->reason);
}

static uint32_t read_u32(struct reader *reader)
{
	const uint64_t value = reader_varint(reader);

	if (value > UINT32_MAX)
		reader->error = GRAPPE_EFORMAT;
	return (uint32_t)value;
}

static uint8_t read_choice(struct reader *reader, uint8_t most)
{
	const uint8_t value = reader_u8(reader);

	if (value > most)
		reader->error = GRAPPE_EFORMAT;
	return value;
}

static void decode_nic(struct reader *reader, struct domain_nic *nic)
{
	uint32_t vlan;

	reader_copy(reader, nic->mac.bytes, sizeof nic->mac.bytes);
	reader_text(reader, nic->interface, sizeof nic->interface);
	reader_text(reader, nic->place.bridge, sizeof nic->place.bridge);
	vlan = read_u32(reader);
	if (vlan > DOMAIN_VLAN_MAX)
		reader->error = GRAPPE_EFORMAT;
	nic->place.vlan = (uint16_t)vlan;
	if (reader->error == GRAPPE_OK && mac_is_group(&nic->mac))
		reader->error = GRAPPE_EFORMAT;
}

static void decode_domain(struct reader *reader, struct domain *domain)
{
	struct period_vif *facts = &domain->facts;

	reader_text(reader, facts->vm_id, sizeof facts->vm_id);
	reader_text(reader, facts->vm_name, sizeof facts->vm_name);
	reader_text(reader, facts->application, sizeof facts->application);
	reader_text(reader, facts->os_type, sizeof facts->os_type);
	facts->oper_state = read_choice(reader, OPER_STATE_CRASHED);
	facts->persistent = read_choice(reader, TRUTH_FALSE);
	facts->autostart = read_choice(reader, TRUTH_FALSE);
	facts->vcpu = read_u32(reader);
	facts->vcpu_max = read_u32(reader);
	facts->memory_bytes = reader_varint(reader);
	facts->memory_max_bytes = reader_varint(reader);
	facts->cpu_time_us = reader_varint(reader);
	domain->nnics = read_u32(reader);
	if (reader->error == GRAPPE_OK &&
	    (domain->nnics > DOMAIN_NICS_MAX || !identity_is_vm(facts->vm_id)))
		reader->error = GRAPPE_EFORMAT;
	for (uint32_t i = 0; i < domain->nnics && reader->error == GRAPPE_OK; i++)
		decode_nic(reader, &domain->nics[i]);
}

int domain_record_decode(const void *bytes, size_t length, struct domain_record *record)
{
	struct reader reader;

	memset(record, 0, sizeof *record);
	reader_init(&reader, bytes, length);
	record->type = (enum domain_record_type)reader_u8(&reader);
	if (record->type == DOMAIN_ONE)
		decode_domain(&reader, &record->domain);
	else if (record->type == DOMAIN_TROUBLE)
		reader_text(&reader, record->reason, sizeof record->reason);
	else if (record->type != DOMAIN_BEGIN && record->type != DOMAIN_END)
		return GRAPPE_EFORMAT;
	if (reader.error == GRAPPE_OK && reader_left(&reader) > 0)
		return GRAPPE_EFORMAT;
	return reader.error;
}
