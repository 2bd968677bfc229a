-- One commit: every operation is judged, then all are applied. False is a conflict, which changes nothing.
--
-- judged_*    each record that is put, deleted or checked, and its expected version (null: absent)
-- put_*       records to write; label_puts says to which of them (from 1) a label belongs
-- deleted_*   records to remove
-- log_*       logs to append to, and the first id that each is to get
-- entry_*     what is appended
-- dropped     logs to remove

CREATE FUNCTION apply_commit(
    in_project bytea,
    in_partition bytea,
    in_commit bytea,
    judged_kinds bytea[],
    judged_ids bytea[],
    judged_versions bytea[],
    put_kinds bytea[],
    put_ids bytea[],
    put_positions bigint[],
    put_dues bigint[],
    put_versions bytea[],
    put_bodies bytea[],
    label_puts bigint[],
    label_texts bytea[],
    deleted_kinds bytea[],
    deleted_ids bytea[],
    log_names bytea[],
    log_attempts bigint[],
    log_ns bigint[],
    entry_logs bytea[],
    entry_first_attempts bigint[],
    entry_first_ns bigint[],
    entry_last_attempts bigint[],
    entry_last_ns bigint[],
    entry_bodies bytea[],
    dropped bytea[]
) RETURNS boolean
LANGUAGE plpgsql
SET search_path FROM CURRENT
-- Plans are kept, also those that were made when the tables were still empty.
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
    as_expected boolean;
    labelled boolean;
    old record;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'default_transaction_isolation must be read committed';
    END IF;
    -- Commits to one partition follow each other; each statement below sees everything before it. The table's number
    -- keeps deployments apart that share a database.
    PERFORM pg_advisory_xact_lock(
        hashtextextended(encode(in_project, 'hex') || ' ' || encode(in_partition, 'hex'), 'records'::regclass::oid::bigint)
    );

    -- LIMIT keeps the planner from anything but one look at the index for each.
    SELECT bool_and(found.version IS NOT DISTINCT FROM judged.version), bool_or(found.labels <> '{}')
    INTO as_expected, labelled
    FROM unnest(judged_kinds, judged_ids, judged_versions) AS judged (kind, id, version)
    LEFT JOIN LATERAL (
        SELECT r.version, r.labels FROM records r
        WHERE r.project = in_project AND r.partition = in_partition AND r.kind = judged.kind AND r.id = judged.id
        LIMIT 1
    ) found ON true;
    IF NOT as_expected THEN
        RETURN false;
    END IF;
    FOR number IN 1 .. cardinality(log_names) LOOP
        IF EXISTS (
            SELECT FROM entries e
            WHERE e.project = in_project AND e.partition = in_partition AND e.log = log_names[number]
            AND (e.last_attempt, e.last_n) >= (log_attempts[number], log_ns[number])
        ) THEN
            RETURN false;
        END IF;
    END LOOP;

    IF labelled THEN
        FOR old IN
            SELECT found.* FROM unnest(put_kinds || deleted_kinds, put_ids || deleted_ids) AS changed (kind, id)
            CROSS JOIN LATERAL (
                SELECT r.kind, r.id, r.position, r.labels FROM records r
                WHERE r.project = in_project AND r.partition = in_partition
                AND r.kind = changed.kind AND r.id = changed.id
                LIMIT 1
            ) found
            WHERE found.labels <> '{}'
        LOOP
            DELETE FROM directory d
            WHERE d.project = in_project AND d.kind = old.kind AND d.label = ANY (old.labels)
            AND d.position = old.position AND d.id = old.id AND d.partition = in_partition
            AND NOT EXISTS (
                SELECT FROM unnest(label_puts, label_texts) AS kept (put, label)
                WHERE kept.label = d.label AND put_kinds[kept.put] = d.kind AND put_ids[kept.put] = d.id
                AND put_positions[kept.put] = d.position
            );
        END LOOP;
    END IF;

    IF cardinality(put_ids) > 0 THEN
        INSERT INTO records AS r
            (project, partition, kind, id, position, due, version, commit_id, labels, body)
        SELECT in_project, in_partition, put.kind, put.id, put.position, put.due, put.version, in_commit,
            ARRAY (SELECT l.label FROM unnest(label_puts, label_texts) AS l (put, label) WHERE l.put = put.number),
            put.body
        FROM unnest(put_kinds, put_ids, put_positions, put_dues, put_versions, put_bodies)
            WITH ORDINALITY AS put (kind, id, position, due, version, body, number)
        ON CONFLICT (project, partition, kind, id) DO UPDATE SET
            position = excluded.position, due = excluded.due, version = excluded.version,
            commit_id = excluded.commit_id, labels = excluded.labels, body = excluded.body;
    END IF;
    IF cardinality(label_puts) > 0 THEN
        INSERT INTO directory (project, kind, label, position, id, partition)
        SELECT in_project, put_kinds[l.put], l.label, put_positions[l.put], put_ids[l.put], in_partition
        FROM unnest(label_puts, label_texts) AS l (put, label)
        ON CONFLICT DO NOTHING;
    END IF;
    FOR number IN 1 .. cardinality(deleted_ids) LOOP
        DELETE FROM records r
        WHERE r.project = in_project AND r.partition = in_partition
        AND r.kind = deleted_kinds[number] AND r.id = deleted_ids[number];
    END LOOP;
    IF cardinality(entry_logs) > 0 THEN
        INSERT INTO entries (project, partition, log, first_attempt, first_n, last_attempt, last_n, body)
        SELECT in_project, in_partition, entry.*
        FROM unnest(
            entry_logs, entry_first_attempts, entry_first_ns, entry_last_attempts, entry_last_ns, entry_bodies
        ) AS entry;
    END IF;
    FOR number IN 1 .. cardinality(dropped) LOOP
        DELETE FROM entries e
        WHERE e.project = in_project AND e.partition = in_partition AND e.log = dropped[number];
    END LOOP;
    RETURN true;
END
$$;
