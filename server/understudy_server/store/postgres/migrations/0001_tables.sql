-- Names and ids are bytes of UTF-8: any text is allowed (PostgreSQL's own text knows no zero byte), and bytes sort by
-- code point whatever the database's encoding and collation are. To read them: SET bytea_output = 'escape'.

CREATE TABLE records (
    project bytea NOT NULL,
    partition bytea NOT NULL,
    kind bytea NOT NULL,
    id bytea NOT NULL,
    position bigint NOT NULL,
    due bigint,
    version bytea NOT NULL,
    commit_id bytea NOT NULL,
    -- What `directory` says of the record, so that its rows there are found without an index of their own.
    labels bytea[] NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (project, partition, kind, id)
)
-- Heads are rewritten all the time: with room on its page, a new version touches no index.
WITH (fillfactor = 80);

-- The condition always holds, and only listings name it. Without statistics the planner takes this index to be as good
-- as the primary key for finding one record, which would read all records of a kind.
CREATE INDEX records_in_order ON records (project, partition, kind, position, id) WHERE position >= 0;
CREATE INDEX records_due ON records (due) WHERE due IS NOT NULL;

CREATE TABLE directory (
    project bytea NOT NULL,
    kind bytea NOT NULL,
    label bytea NOT NULL,
    position bigint NOT NULL,
    id bytea NOT NULL,
    partition bytea NOT NULL,
    PRIMARY KEY (project, kind, label, position, id, partition)
);

CREATE TABLE entries (
    project bytea NOT NULL,
    partition bytea NOT NULL,
    log bytea NOT NULL,
    last_attempt bigint NOT NULL,
    last_n bigint NOT NULL,
    first_attempt bigint NOT NULL,
    first_n bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (project, partition, log, last_attempt, last_n)
);

CREATE TABLE probe (writes bigint NOT NULL);
INSERT INTO probe VALUES (0);
