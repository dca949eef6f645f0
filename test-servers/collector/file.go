package main

import (
	"context"
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// What the exporter `file` of the Collector's contrib distribution does, as far as the tests need it: one request is one
// line of OTLP JSON, encoded by the Collector. It is written before the sender hears of its success, and not buffered, so
// that a Collector may be killed and its file still has all that it accepted.

type fileConfig struct {
	// Path of the file to append to.
	Path string `mapstructure:"path"`
}

type fileExporter struct {
	path string
	file *os.File
}

func newFileFactory() exporter.Factory {
	return exporter.NewFactory(
		component.MustNewType("file"),
		func() component.Config { return &fileConfig{} },
		exporter.WithMetrics(newMetrics, component.StabilityLevelDevelopment),
		exporter.WithTraces(newTraces, component.StabilityLevelDevelopment),
	)
}

func newMetrics(_ context.Context, _ exporter.Settings, config component.Config) (exporter.Metrics, error) {
	return &fileExporter{path: config.(*fileConfig).Path}, nil
}

func newTraces(_ context.Context, _ exporter.Settings, config component.Config) (exporter.Traces, error) {
	return &fileExporter{path: config.(*fileConfig).Path}, nil
}

func (e *fileExporter) Start(context.Context, component.Host) (err error) {
	e.file, err = os.OpenFile(e.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return err
}

func (e *fileExporter) Shutdown(context.Context) error {
	if e.file == nil {
		return nil
	}
	return e.file.Close()
}

func (e *fileExporter) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{}
}

func (e *fileExporter) ConsumeMetrics(_ context.Context, metrics pmetric.Metrics) error {
	line, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(metrics)
	return e.append(line, err)
}

func (e *fileExporter) ConsumeTraces(_ context.Context, traces ptrace.Traces) error {
	line, err := (&ptrace.JSONMarshaler{}).MarshalTraces(traces)
	return e.append(line, err)
}

func (e *fileExporter) append(line []byte, err error) error {
	if err != nil {
		return err
	}
	_, err = e.file.Write(append(line, '\n'))
	return err
}
