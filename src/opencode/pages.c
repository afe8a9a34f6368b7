/*
 * A session's transcript, read page by page: the newest page first, and back to its beginning. What
 * somebody wants of it can stand anywhere: see order.c.
 *
 * A page that is too large is asked for again with fewer messages in it, down to one. A single
 * message that is too large even so is left out, unless it is the newest: that one decides what
 * became of the turn, and is an error of its own. The cursor of the page before comes with an
 * answer's headers, so it is known even then.
 *
 * A page that is refused is asked for again in the same way. OpenCode 1.18 does not get over a
 * prompt with a JSON schema where it lists a session's oldest messages; in pages that are not the
 * last it does not look.
 */
#include <stdlib.h>
#include <string.h>

#include "opencode/call.h"

#define PAGE_BYTES ((size_t)8 * 1024 * 1024)    /* of an answer with more than one message */
#define TOTAL_BYTES ((size_t)256 * 1024 * 1024) /* of all pages of one transcript */

enum {
	MESSAGES_DEADLINE_MS = 60000, /* for each page */
	PAGE_SIZE = 32,               /* messages */
	SHRINK = 4,                   /* a page that is too large gets this much smaller */
};

static void ask(struct oc_call *);

void
oc_pages_fini(union result *result)
{
	struct pages *pages = &result->pages;

	free(pages->session_id);
	free(pages->cursor);
	messages_fini(&pages->messages);
}

/* Puts an older page in front of what is there; takes its messages over. */
static void
prepend(struct messages *all, struct messages *page)
{
	size_t count = page->count + all->count;

	page->all = xrealloc(page->all, count * sizeof(*page->all));
	if (all->count)
		memcpy(page->all + page->count, all->all, all->count * sizeof(*all->all));
	free(all->all);
	*all = (struct messages){.all = page->all, .count = count};
	*page = (struct messages){0};
}

static void
end_well(struct oc_call *call)
{
	struct pages *pages = &call->result.pages;
	struct oc_reply reply = {
	    .outcome = OC_OK,
	    .sentence = "",
	    .messages = &pages->messages,
	    .truncated = pages->truncated,
	};

	messages_put_in_order(&pages->messages);
	oc_call_end(call, &reply);
}

static void
end_badly(struct oc_call *call, enum oc_outcome outcome, const struct fault *fault)
{
	struct oc_reply reply = {.outcome = outcome, .sentence = fault->text};

	oc_call_end(call, &reply);
}

/* On to the next older page, if there is one. */
static void
go_on(struct oc_call *call, const char *cursor)
{
	struct pages *pages = &call->result.pages;

	if (cursor && pages->bytes > TOTAL_BYTES) {
		pages->truncated = true;
		cursor = NULL;
	}
	free(pages->cursor);
	pages->cursor = xstrdup(cursor);
	if (cursor)
		ask(call);
	else
		end_well(call);
}

/* The same page once more, smaller; false if it is one message already. */
static bool
ask_for_less(struct oc_call *call)
{
	struct pages *pages = &call->result.pages;

	if (pages->size == 1)
		return false;
	pages->size = pages->size / SHRINK > 1 ? pages->size / SHRINK : 1;
	ask(call);
	return true;
}

static void
on_large_page(struct oc_call *call, const struct http_answer *answer)
{
	struct pages *pages = &call->result.pages;
	struct fault fault = {0};

	if (ask_for_less(call))
		return;
	if (pages->messages.count > 0) {
		pages->truncated = true;
		pages->bytes += HTTP_ANSWER_LIMIT;
		go_on(call, answer->cursor);
	} else {
		fault_set(
		    &fault, FAULT_ENV, "the newest message cannot be read: %s", answer->sentence);
		end_badly(call, OC_BAD_REQUEST, &fault);
	}
}

/* What is older than a message that is refused cannot be had: no cursor comes with a refusal. */
static void
on_refused_page(struct oc_call *call, const struct fault *fault)
{
	struct pages *pages = &call->result.pages;

	if (ask_for_less(call))
		return;
	if (pages->messages.count > 0) {
		pages->truncated = true;
		end_well(call);
	} else {
		end_badly(call, OC_BAD_REQUEST, fault);
	}
}

static void
on_good_page(struct oc_call *call, const struct http_answer *answer)
{
	struct pages *pages = &call->result.pages;
	struct messages page;
	struct fault reason = {0}, fault = {0};
	bool is_last;

	if (!reply_messages(answer->body, answer->bytes, &page, &reason)) {
		fault_set(&fault, FAULT_ENV, "%s: %s", answer->where, reason.text);
		end_badly(call, OC_TROUBLE, &fault);
		return;
	}
	pages->bytes += answer->bytes;
	/* A page without a message leads nowhere, whatever its cursor says. */
	is_last = page.count == 0;
	prepend(&pages->messages, &page);
	go_on(call, is_last ? NULL : answer->cursor);
}

static void
on_page(void *arg, const struct http_answer *answer)
{
	struct oc_call *call = arg;
	struct fault fault = {0};
	enum oc_outcome outcome;

	call->http = NULL;
	if (answer->trouble == HTTP_TOO_LARGE) {
		on_large_page(call, answer);
		return;
	}
	outcome = oc_call_judge(answer, &fault);
	if (outcome == OC_OK)
		on_good_page(call, answer);
	else if (outcome == OC_BAD_REQUEST)
		on_refused_page(call, &fault);
	else
		end_badly(call, outcome, &fault);
}

static void
ask(struct oc_call *call)
{
	const struct pages *pages = &call->result.pages;
	struct buf path = {0};

	buf_puts(&path, "/session/");
	oc_add_encoded(&path, pages->session_id);
	buf_printf(&path, "/message?limit=%d", pages->size);
	if (pages->cursor) {
		buf_puts(&path, "&before=");
		oc_add_encoded(&path, pages->cursor);
	}
	oc_call_send(call, buf_text(&path), NULL, pages->size > 1 ? PAGE_BYTES : 0, on_page);
	buf_free(&path);
}

struct oc_call *
opencode_messages(struct opencode *server, const char *session_id, oc_done *done, void *arg)
{
	static const struct route route = {.failpoint = FP_REQUEST_MESSAGES,
	    .method = "GET",
	    .deadline_ms = MESSAGES_DEADLINE_MS,
	    .fini = oc_pages_fini};
	struct oc_call *call = oc_call_new(server, &route, done, arg);

	call->result.pages = (struct pages){
	    .session_id = xstrdup(session_id),
	    .size = PAGE_SIZE,
	};
	ask(call);
	return call;
}
