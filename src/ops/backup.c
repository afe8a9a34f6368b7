/*
 * A copy of the whole database.
 */
#include <sys/stat.h>

#include "ops/handle.h"

enum vigil_result
vigil_backup(struct vigil *vigil, const char *file, int64_t *bytes)
{
	struct stat made;

	*bytes = 0;
	if (!*file)
		return handle_fail(vigil, FAULT_USAGE, "the name of the backup is empty");
	if (!store_backup(vigil->store, file, &vigil->fault))
		return handle_result(vigil);
	if (stat(file, &made) == 0)
		*bytes = made.st_size;
	return VIGIL_OK;
}
