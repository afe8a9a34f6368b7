/*
 * Which file systems are refused: statfs() is this program's own here, and says what a test wants.
 */
#include <stdlib.h>
#include <sys/vfs.h>

#include "base/buf.h"
#include "help.h"

static long type;

int
statfs(const char *file, struct statfs *buf)
{
	(void)file;
	*buf = (struct statfs){.f_type = type};
	return 0;
}

/* As the manual of statfs(2) has them; one whose first bit is set may come with a sign. */
static const struct {
	long type;
	const char *name;
} remote[] = {
    {0x6969, "NFS"},
    {0xFF534D42, "CIFS"},
    {(int)0xFF534D42, "CIFS"},
    {0xFE534D42, "SMB"},
    {0x517B, "SMB"},
    {0x01021997, "9P"},
    {0x5346414F, "AFS"},
    {0x00C36400, "Ceph"},
    {0x0BD00BD0, "Lustre"},
    {0x73757245, "Coda"},
    {0x65735546, "FUSE"},
    {0x47504653, "GPFS"},
    {0x19830326, "BeeGFS"},
    {0x786F4256, "VirtualBox"},
    {0xBACBACBC, "VMware"},
};

static const long local[] = {
    0xEF53,     /* ext4 */
    0x58465342, /* XFS */
    0x9123683E, /* Btrfs */
    0x2FC12FC1, /* ZFS */
    0xF2F52010, /* F2FS */
    0x01021994, /* tmpfs */
    0x794C7630, /* overlay */
};

enum { REMOTE = sizeof(remote) / sizeof(*remote), LOCAL = sizeof(local) / sizeof(*local) };

START_TEST(one_of_other_machines_is_refused)
{
	char *folder = scratch_new(), *path = in_folder(folder, "vigil.db");
	char *sentence =
	    xasprintf("is on a file system (%s) where a database is not safe: choose a "
		      "local place with --db or VIGIL_DB",
		remote[_i].name);

	type = remote[_i].type;
	must_not_open(path, STORE_CREATE, sentence);
	ck_assert_int_eq(mode_of(path), 0);
	type = local[0];
	store_close(must_open(path, STORE_CREATE));
	type = remote[_i].type;
	must_not_open(path, STORE_CREATE, sentence);
	must_not_open(path, STORE_EXISTING, sentence);
	must_not_open(path, STORE_READ, sentence);
	scratch_remove(folder);
	free(path);
	free(sentence);
}
END_TEST

START_TEST(a_local_one_is_taken)
{
	char *folder = scratch_new(), *path = in_folder(folder, "vigil.db");

	type = local[_i];
	store_close(must_open(path, STORE_CREATE));
	scratch_remove(folder);
	free(path);
}
END_TEST

int
main(void)
{
	TCase *tests = tcase_create("place");

	tcase_add_loop_test(tests, one_of_other_machines_is_refused, 0, REMOTE);
	tcase_add_loop_test(tests, a_local_one_is_taken, 0, LOCAL);
	return run_suite(tests, "place");
}
