// Command clickhouse-go talks to a ClickHouse HTTP endpoint through the official Go client, as the OpenTelemetry
// Collector and Grafana do, and prints what it read as one JSON object.
//
// Usage: clickhouse-go ADDRESS USER PASSWORD DATABASE COMPRESSION [queries]
//
// With "queries" it runs the statements that stand as a JSON array on standard input, and prints their results.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

type answer struct {
	Version    string            `json:"version"`
	Sum        uint64            `json:"sum"`
	Parameters string            `json:"parameters"`
	Rows       uint64            `json:"rows"`
	Text       string            `json:"text"`
	Attributes map[string]string `json:"attributes"`
	Time       string            `json:"time"`
	Strings    []string          `json:"strings"`
	Streamed   uint64            `json:"streamed"`
	ErrorCode  int32             `json:"errorCode"`
}

const rowCount = 5000

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	options := &clickhouse.Options{
		Protocol: clickhouse.HTTP,
		Addr:     []string{os.Args[1]},
		Auth:     clickhouse.Auth{Username: os.Args[2], Password: os.Args[3], Database: os.Args[4]},
		Settings: clickhouse.Settings{"max_execution_time": 30},
	}
	switch os.Args[5] {
	case "gzip":
		options.Compression = &clickhouse.Compression{Method: clickhouse.CompressionGZIP, Level: 3}
	case "lz4":
		options.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	}
	if len(os.Args) > 6 && os.Args[6] == "queries" {
		return runQueries(options, os.Stdin, os.Stdout)
	}
	connection, err := clickhouse.Open(options)
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := connection.Ping(ctx); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	var result answer
	version, err := connection.ServerVersion()
	if err != nil {
		return fmt.Errorf("version: %w", err)
	}
	result.Version = version.Version.String()
	if err := connection.QueryRow(ctx, "SELECT sum(number) FROM numbers(10)").Scan(&result.Sum); err != nil {
		return fmt.Errorf("select: %w", err)
	}
	bound := clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{"n": "7", "s": "it's; ünïcode"}))
	query := "SELECT concat(toString({n:UInt8}), ' ', {s:String})"
	if err := connection.QueryRow(bound, query).Scan(&result.Parameters); err != nil {
		return fmt.Errorf("parameters: %w", err)
	}
	if err := insert(ctx, connection); err != nil {
		return err
	}
	if err := readBack(ctx, connection, &result); err != nil {
		return err
	}
	result.ErrorCode = errorCode(connection.Exec(ctx, "SELECT nosuch FROM go_test"))
	return json.NewEncoder(os.Stdout).Encode(result)
}

func insert(ctx context.Context, connection clickhouse.Conn) error {
	if err := connection.Exec(ctx, `CREATE TABLE IF NOT EXISTS go_test (
		Timestamp DateTime64(9), Id UInt64, Text LowCardinality(String),
		Attributes Map(LowCardinality(String), String), Strings Array(String)
	) ENGINE = MergeTree ORDER BY Id`); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	batch, err := connection.PrepareBatch(ctx, "INSERT INTO go_test")
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	at := time.Date(2026, 2, 3, 4, 5, 6, 123456789, time.UTC)
	for id := range uint64(rowCount) {
		attributes := map[string]string{"id": fmt.Sprint(id), "ключ": "значение"}
		if err := batch.Append(at, id, fmt.Sprintf("text %d", id%3), attributes, []string{"a", "", "ü"}); err != nil {
			return fmt.Errorf("append: %w", err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

func readBack(ctx context.Context, connection clickhouse.Conn, result *answer) error {
	if err := connection.QueryRow(ctx, "SELECT count() FROM go_test").Scan(&result.Rows); err != nil {
		return fmt.Errorf("count: %w", err)
	}
	var at time.Time
	row := connection.QueryRow(ctx, "SELECT Timestamp, Text, Attributes, Strings FROM go_test WHERE Id = $1 LIMIT 1", 4321)
	if err := row.Scan(&at, &result.Text, &result.Attributes, &result.Strings); err != nil {
		return fmt.Errorf("row: %w", err)
	}
	result.Time = at.UTC().Format(time.RFC3339Nano)
	rows, err := connection.Query(ctx, "SELECT number, toString(number) FROM numbers(200000)")
	if err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var number uint64
		var text string
		if err := rows.Scan(&number, &text); err != nil {
			return fmt.Errorf("stream: %w", err)
		}
		if text != fmt.Sprint(number) {
			return fmt.Errorf("stream: row %d says %s", number, text)
		}
		result.Streamed++
	}
	return rows.Err()
}

func errorCode(err error) int32 {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		return exception.Code
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "untyped error:", err)
	}
	return 0
}
