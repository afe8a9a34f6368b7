/*
 * What the decoders of replies share; only they include this.
 */
#ifndef VIGIL_OPENCODE_REPLY_INT_H
#define VIGIL_OPENCODE_REPLY_INT_H

#include "base/json.h"
#include "opencode/reply.h"

#define REPLY_SHOWN_BYTES 300 /* of an error, or of an answer that makes no sense */

/* The beginning of a text, on one line. The caller frees. */
char *reply_one_line(const char *text, size_t bytes, size_t limit);

/* What is parsed and is an array (or an object); NULL with a fault. */
struct json *reply_parse_array(const char *body, size_t bytes, const char *of_what, struct fault *);
struct json *reply_parse_object(
    const char *body, size_t bytes, const char *of_what, struct fault *);

char *reply_copy_text(const struct json *, const char *path); /* NULL where there is none */
bool reply_has_text(const struct json *, const char *path);   /* there, and not empty */

enum oc_activity reply_activity(const char *type);
char *reply_retry_words(const struct json *status); /* the caller frees */

/* ---- reply_error.c ---- */
char *reply_error_sentence(const struct json *error); /* the caller frees */
/* Is the sentence but the error's name once more: "UnknownError: UnknownError"? */
bool reply_says_no_more(const char *sentence, const char *name);

/* ---- reply_asks.c: the caller frees ---- */
char *reply_ask_words(const struct json *ask, bool is_question);
char *reply_ask_answer(const struct json *reply); /* what it is told */

/* ---- reply_message.c ---- */
struct part reply_part(const struct json *);
void reply_part_fini(struct part *);

#endif
