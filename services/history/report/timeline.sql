-- Timeline
SELECT at, transition, severity, degraded_cells AS cells, round(100 * degraded_share, 1) AS traffic_percent, title, reason
FROM incidents WHERE incident = {incident:String} ORDER BY revision
