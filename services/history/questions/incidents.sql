-- Incidents of a period: when, how bad, where, for how long.
SELECT
    incident,
    min(opened) AS opened_at,
    minOrNullIf(at, transition = 'paged') AS paged_at,
    if(max(resolved) = toDateTime64(0, 3), NULL, round(dateDiff('second', opened_at, max(resolved)) / 60, 1)) AS minutes,
    argMax(severity, indexOf(['none', 'ticket', 'page'], toString(severity))) AS worst,
    argMax(title, revision) AS title,
    max(degraded_cells) AS cells_at_most,
    argMax(JSONExtractUInt(record, 'totals', 'bad'), revision) AS requests_hit,
    argMax(JSONExtractUInt(record, 'totals', 'tenants'), revision) AS tenants_hit
FROM incidents
WHERE opened >= {since:DateTime64(3)} AND opened < {until:DateTime64(3)}
GROUP BY incident
ORDER BY opened_at
