-- Who was told
SELECT at, transition, severity, sink, outcome, attempts, round(delay_ms) AS delay_ms, detail FROM deliveries WHERE incident = {incident:String} ORDER BY at, delivery
