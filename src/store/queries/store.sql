-- What every connection says, whatever it is for.

-- name: begin
BEGIN IMMEDIATE;

-- name: commit
COMMIT;

-- name: rollback
ROLLBACK;

-- name: data_version
PRAGMA data_version;

-- name: user_version
PRAGMA user_version;
