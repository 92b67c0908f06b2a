-- The index: the last known state of everything that lists show. Rebuilt from the files of the
-- data root, which are the truth.
CREATE TABLE resources (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;

-- The history: what happened. Losing it loses no container, image or volume.
CREATE TABLE events (
    at_ns INTEGER NOT NULL,
    kind TEXT NOT NULL,
    action TEXT NOT NULL,
    id TEXT NOT NULL,
    attributes TEXT NOT NULL
);
CREATE INDEX events_by_time ON events (at_ns);

-- What containers used, by the minute, for a day.
CREATE TABLE samples (
    container TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (container, at_ms)
) WITHOUT ROWID;
