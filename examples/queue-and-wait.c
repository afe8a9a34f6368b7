/*
 * Queues one task, waits for it, and prints what became of it.
 *
 *	cc queue-and-wait.c $(pkg-config --cflags --libs vigil) -o queue-and-wait
 *	./queue-and-wait 'Write a haiku about cron'
 *	./queue-and-wait --cancel 'Never mind'
 *
 * A runner does the work: `vigil run` in another terminal. With --cancel none is needed. The exit
 * status is that of the vigil program: 0 completed, 1 failed or cancelled.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vigil.h>

static enum vigil_result
complain(struct vigil *vigil, enum vigil_result result)
{
	fprintf(stderr, "queue-and-wait: %s\n", vigil_error(vigil));
	return result;
}

static bool
print_status(void *id, const struct vigil_row *row)
{
	for (size_t i = 0; i < row->count; i++)
		if (strcmp(row->names[i], "status") == 0)
			printf("task %" PRId64 ": %s\n", *(int64_t *)id, row->values[i]);
	return true;
}

static enum vigil_result
queue_and_wait(struct vigil *vigil, const char *prompt, bool cancel)
{
	struct vigil_task task = {.prompt = prompt, .description = "queue-and-wait"};
	bool existed, needs_runner;
	int64_t id;
	enum vigil_result result = vigil_add(vigil, &task, &id, &existed);
	if (result == VIGIL_OK && cancel)
		result = vigil_cancel(vigil, id, "asked to", &needs_runner);
	if (result != VIGIL_OK)
		return complain(vigil, result);

	result = vigil_wait(vigil, &id, 1, false, -1, NULL, NULL);
	if (result != VIGIL_OK && result != VIGIL_FAILED)
		return complain(vigil, result);
	vigil_show(vigil, id, VIGIL_TASK, print_status, &id);

	char *text = NULL;
	result = vigil_get_result(vigil, id, VIGIL_ANSWER, &text);
	if (result != VIGIL_OK)
		complain(vigil, result);
	if (text)
		puts(text);
	free(text);
	return result;
}

int
main(int argc, char **argv)
{
	bool cancel = argc == 3 && strcmp(argv[1], "--cancel") == 0;
	if (argc != 2 + cancel) {
		fputs("usage: queue-and-wait [--cancel] PROMPT\n", stderr);
		return VIGIL_USAGE;
	}
	struct vigil *vigil;
	enum vigil_result result = vigil_open(&vigil, NULL, NULL, VIGIL_READ_WRITE);
	if (result != VIGIL_OK)
		complain(vigil, result);
	else
		result = queue_and_wait(vigil, argv[1 + cancel], cancel);
	vigil_close(vigil);
	return (int)result;
}
