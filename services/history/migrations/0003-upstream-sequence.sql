-- Which record of which task made a row. A task that dies between writing and its checkpoint writes the same records again, so
-- whoever archives asks here what it has of a task already.
ALTER TABLE closed ADD COLUMN IF NOT EXISTS `source_task` LowCardinality(String) AFTER append_time;
ALTER TABLE closed ADD COLUMN IF NOT EXISTS `source_sequence` UInt64 AFTER source_task;
ALTER TABLE verdicts ADD COLUMN IF NOT EXISTS `source_task` LowCardinality(String) AFTER append_time;
ALTER TABLE verdicts ADD COLUMN IF NOT EXISTS `source_sequence` UInt64 AFTER source_task;
ALTER TABLE incidents ADD COLUMN IF NOT EXISTS `source_task` LowCardinality(String) AFTER append_time;
ALTER TABLE incidents ADD COLUMN IF NOT EXISTS `source_sequence` UInt64 AFTER source_task;

-- Sequences grow with time, and so do rows within a cell: what is older than a sequence is not read.
ALTER TABLE closed ADD INDEX IF NOT EXISTS source_sequence_range source_sequence TYPE minmax GRANULARITY 1;
ALTER TABLE verdicts ADD INDEX IF NOT EXISTS source_sequence_range source_sequence TYPE minmax GRANULARITY 1;

-- Rows of a range of offsets are counted when it is taken over from an archive that died.
ALTER TABLE windows ADD INDEX IF NOT EXISTS source_range source_offset TYPE minmax GRANULARITY 1;
ALTER TABLE verdicts ADD INDEX IF NOT EXISTS source_range source_offset TYPE minmax GRANULARITY 1;
