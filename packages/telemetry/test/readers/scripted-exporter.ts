import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import {
  type AggregationOption,
  AggregationTemporality,
  AggregationType,
  type InstrumentType,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';

/** An exporter that keeps what it accepted and answers as a test tells it to. */
export class ScriptedExporter implements PushMetricExporter {
  /** What to do with the next exports; `hang` never answers, `hold` answers when `release` is called. */
  behaviour: 'accept' | 'fail' | 'throw' | 'hang' | 'hold' = 'accept';
  /** Every call, in order: `export`, `forceFlush`, `shutdown`. */
  readonly calls: string[] = [];
  readonly accepted: ResourceMetrics[] = [];
  release: () => void = () => undefined;

  export(metrics: ResourceMetrics, done: (result: ExportResult) => void): void {
    this.calls.push('export');
    const accept = (): void => {
      this.accepted.push(metrics);
      done({ code: ExportResultCode.SUCCESS });
    };
    if (this.behaviour === 'accept') accept();
    else if (this.behaviour === 'hold') this.release = accept;
    else if (this.behaviour === 'throw') throw new Error('thrown by the exporter');
    else if (this.behaviour === 'fail') {
      done({ code: ExportResultCode.FAILED, error: new Error('refused by the backend') });
    }
  }

  /** Values of all accepted number points, request by request, in order. */
  values(): unknown[][] {
    return this.accepted.map(({ scopeMetrics }) =>
      scopeMetrics.flatMap(({ metrics }) =>
        metrics.flatMap(({ dataPoints }) => dataPoints.map((p) => p.value)),
      ),
    );
  }

  selectAggregation(_type: InstrumentType): AggregationOption {
    return { type: AggregationType.DEFAULT };
  }

  selectAggregationTemporality(): AggregationTemporality {
    return AggregationTemporality.DELTA;
  }

  forceFlush(): Promise<void> {
    this.calls.push('forceFlush');
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    this.calls.push('shutdown');
    return Promise.resolve();
  }
}
