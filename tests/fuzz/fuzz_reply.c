/*
 * Any bytes as any of the server's answers: a struct or a fault with a sentence, never anything
 * else; and whatever messages come of it, the evidence has a finding.
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "core/evidence.h"
#include "opencode/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is decoded goes into the database and to a terminal: it must be text. */
static void
must_be_text(const char *text)
{
	if (text && text[utf8_valid(text, strlen(text))])
		die("not UTF-8");
}

static void
must_say_why(bool ok, const struct fault *fault)
{
	if (!ok && (fault->kind != FAULT_ENV || !fault->text[0]))
		die("a fault without a sentence");
	if (!ok)
		must_be_text(fault->text);
}

static void
check_session(const struct oc_session *session)
{
	if (!session->id)
		die("a session without an id");
	must_be_text(session->id);
	must_be_text(session->parent_id);
	must_be_text(session->directory);
	must_be_text(session->title);
}

static void
try_sessions(const char *body, size_t size)
{
	struct oc_session one;
	struct oc_sessions many;
	struct fault fault = {0};
	bool ok = reply_session(body, size, &one, &fault);
	must_say_why(ok, &fault);
	if (ok)
		check_session(&one);
	oc_session_fini(&one);

	ok = reply_sessions(body, size, &many, &fault);
	must_say_why(ok, &fault);
	for (size_t i = 0; ok && i < many.count; i++)
		check_session(&many.all[i]);
	oc_sessions_fini(&many);
}

static void
try_statuses(const char *body, size_t size)
{
	struct oc_statuses statuses;
	struct fault fault = {0};
	bool ok = reply_statuses(body, size, &statuses, &fault);
	must_say_why(ok, &fault);
	for (size_t i = 0; ok && i < statuses.count; i++) {
		must_be_text(statuses.all[i].session_id);
		must_be_text(statuses.all[i].message);
	}
	oc_statuses_fini(&statuses);
}

static void
check_message(const struct message *m)
{
	const char *const texts[] = {m->id, m->agent, m->model, m->finish, m->error_name,
	    m->error_text, m->text, m->reasoning};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		must_be_text(texts[i]);
	if (!m->id || !m->text || !m->reasoning)
		die("a message without an id or a text");
	for (size_t i = 0; i < m->part_count; i++) {
		const struct part *part = &m->parts[i];
		const char *words = part->kind == PART_REASONING ? m->reasoning : m->text;
		must_be_text(part->id);
		must_be_text(part->label);
		must_be_text(part->error);
		if (part->at + part->bytes > strlen(words))
			die("a part's words are not in its message");
	}
	if (m->tools_rejected > m->tools)
		die("more tools are rejected than there are");
}

/* By every message as if it were ours, by one that is not there, and by none. */
static void
judge(const struct messages *messages, const char *id)
{
	struct evidence e = evidence_judge(messages, id, false);
	bool is_finding = e.finding == EV_BUSY || e.finding == EV_UNPROMPTED ||
			  e.finding == EV_UNANSWERED || e.finding == EV_ANSWERED ||
			  e.finding == EV_FAULTY;
	if (!is_finding)
		die("no finding");
	if (e.finding == EV_ANSWERED && (!e.harvest.result || !*e.harvest.result))
		die("an answer without a text");
	if (e.finding == EV_FAULTY && (!e.sentence || !*e.sentence || e.kind == KIND_NONE))
		die("a failure without a reason");
	must_be_text(e.harvest.result);
	must_be_text(e.sentence);
}

static void
try_messages(const char *body, size_t size)
{
	struct messages messages;
	struct fault fault = {0};
	bool ok = reply_messages(body, size, &messages, &fault);
	must_say_why(ok, &fault);
	for (size_t i = 0; ok && i < messages.count; i++) {
		check_message(&messages.all[i]);
		judge(&messages, messages.all[i].id);
	}
	if (ok) {
		judge(&messages, "msg_absent");
		judge(&messages, NULL);
	}
	messages_fini(&messages);
}

static void
try_names(const char *body, size_t size)
{
	struct oc_names agents;
	struct oc_models models;
	struct fault fault = {0};
	bool ok = reply_agents(body, size, &agents, &fault);
	must_say_why(ok, &fault);
	for (size_t i = 0; ok && i < agents.count; i++)
		must_be_text(agents.all[i]);
	oc_names_fini(&agents);

	ok = reply_models(body, size, &models, &fault);
	must_say_why(ok, &fault);
	for (size_t i = 0; ok && i < models.count; i++)
		must_be_text(models.all[i].name);
	oc_models_fini(&models);
}

static void
try_rest(const char *body, size_t size)
{
	char *version = NULL;
	bool is_not_found;
	struct fault fault = {0};
	bool ok = reply_health(body, size, &version, &fault);
	must_say_why(ok, &fault);
	must_be_text(version);
	free(version);

	char *words = reply_error(body, size, &is_not_found);
	if (!words)
		die("an error without words");
	must_be_text(words);
	free(words);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	try_sessions(body, size);
	try_statuses(body, size);
	try_messages(body, size);
	try_names(body, size);
	try_rest(body, size);
	return 0;
}
