-- What every connection says, whatever it is for.

-- name: begin
BEGIN IMMEDIATE;

-- name: commit
COMMIT;

-- name: data_version
PRAGMA data_version;

-- name: user_version
PRAGMA user_version;

-- name: free_pages
PRAGMA freelist_count;

-- name: vacuum_some
-- So many that others do not wait for long; nothing where the database was not made for it.
PRAGMA incremental_vacuum(256);
