/*
 * What agents ask a person, and the person's reply: written into the row here, sent by the runner.
 */
#include <string.h>

#include "base/failpoint.h"
#include "base/utf8.h"
#include "ops/handle.h"

enum vigil_result
vigil_asks(struct vigil *vigil, vigil_row_fn *fn, void *arg)
{
	struct handle_rows rows = {.fn = fn, .arg = arg};

	if (!store_run(vigil->store, Q_list_asks, NULL, 0, handle_row, &rows, &vigil->fault))
		return handle_result(vigil);
	return VIGIL_OK;
}

struct ask {
	bool found, is_permission, waits, is_live;
};

/* The columns of ask_load, in its order. */
static bool
read_ask(void *arg, const struct row *row)
{
	struct ask *ask = arg;

	ask->found = true;
	ask->is_permission = strcmp(row_text(row, 0), "permission") == 0;
	ask->waits = row_int(row, 1);
	ask->is_live = row_int(row, 2);
	return false;
}

static bool
check_reply(const struct ask *ask, const char *reply, struct fault *fault)
{
	static const char *const words[] = {"once", "always", "reject"};

	if (utf8_valid(reply, strlen(reply)) < strlen(reply))
		return fault_set(fault, FAULT_USAGE, "the reply is not UTF-8");
	if (reply[strspn(reply, " \t\r\n")] == '\0')
		return fault_set(fault, FAULT_USAGE, "the reply is empty");
	for (size_t i = 0; ask->is_permission && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(reply, words[i]) == 0)
			return true;
	return !ask->is_permission ||
	       fault_set(fault, FAULT_USAGE,
		   "'%s' is no reply to a permission request; it must be once, always or reject",
		   reply);
}

static bool
check_ask(struct vigil *vigil, int64_t id, const char *reply)
{
	struct value value = value_int(id);
	struct fault *fault = &vigil->fault;
	struct ask ask = {0};

	if (!store_run(vigil->store, Q_ask_load, &value, 1, read_ask, &ask, fault))
		return false;
	if (!ask.found)
		return fault_set(fault, FAULT_NOT_FOUND,
		    "there is no ask %lld (vigil asks has those that wait)", (long long)id);
	if (!ask.waits)
		return fault_set(
		    fault, FAULT_USAGE, "ask %lld: it has been replied to", (long long)id);
	if (!ask.is_live)
		return fault_set(
		    fault, FAULT_USAGE, "ask %lld: the attempt that asked is over", (long long)id);
	return check_reply(&ask, reply, fault);
}

enum vigil_result
vigil_answer(struct vigil *vigil, int64_t ask, const char *reply, bool *needs_runner)
{
	struct value values[] = {value_int(ask), value_text(reply)};

	*needs_runner = false;
	if (!check_ask(vigil, ask, reply))
		return handle_result(vigil);
	failpoint_before(FP_COMMIT_ANSWER);
	if (!store_run(vigil->store, Q_ask_answer, values, 2, NULL, NULL, &vigil->fault))
		return handle_result(vigil);
	failpoint_after(FP_COMMIT_ANSWER);
	if (store_changes(vigil->store) == 0)
		return handle_fail(
		    vigil, FAULT_USAGE, "ask %lld: it has been replied to", (long long)ask);
	handle_wrote(vigil);
	*needs_runner = store_lock_holder(vigil->database) == 0;
	return VIGIL_OK;
}
