package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

type column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

type table struct {
	Columns []column `json:"columns"`
	Rows    [][]any  `json:"rows"`
	Error   string   `json:"error,omitempty"`
}

// runQueries reads a JSON array of statements and writes a JSON array of their results. It goes the way of Grafana's data
// source: database/sql over HTTP, gzip, a deadline that becomes max_execution_time, values scanned into what the driver says.
func runQueries(options *clickhouse.Options, in io.Reader, out io.Writer) error {
	var statements []string
	if err := json.NewDecoder(in).Decode(&statements); err != nil {
		return fmt.Errorf("statements: %w", err)
	}
	options.Settings = nil
	database := clickhouse.OpenDB(options)
	defer database.Close()
	tables := make([]table, len(statements))
	for i, statement := range statements {
		result, err := runQuery(database, statement)
		if err != nil {
			result.Error = err.Error()
		}
		tables[i] = result
	}
	return json.NewEncoder(out).Encode(tables)
}

func runQuery(database *sql.DB, statement string) (table, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	result := table{Columns: []column{}, Rows: [][]any{}}
	rows, err := database.QueryContext(ctx, statement)
	if err != nil {
		return result, err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return result, err
	}
	for _, each := range types {
		result.Columns = append(result.Columns, column{each.Name(), each.DatabaseTypeName()})
	}
	for rows.Next() {
		targets := make([]any, len(types))
		for i, each := range types {
			targets[i] = reflect.New(each.ScanType()).Interface()
		}
		if err := rows.Scan(targets...); err != nil {
			return result, err
		}
		row := make([]any, len(targets))
		for i, target := range targets {
			row[i] = plain(reflect.ValueOf(target).Elem())
		}
		result.Rows = append(result.Rows, row)
	}
	return result, rows.Err()
}

// plain makes of a value what JSON has: pointers are followed, times are texts in UTC, NaN is nothing.
func plain(value reflect.Value) any {
	for value.Kind() == reflect.Pointer || value.Kind() == reflect.Interface {
		if value.IsNil() {
			return nil
		}
		value = value.Elem()
	}
	switch each := value.Interface().(type) {
	case time.Time:
		return each.UTC().Format("2006-01-02 15:04:05.000")
	case float64:
		if math.IsNaN(each) || math.IsInf(each, 0) {
			return nil
		}
	}
	return value.Interface()
}
