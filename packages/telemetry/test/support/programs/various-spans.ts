/** Makes the spans of various-spans.ts, and says their ids. */
import { ROOT_CONTEXT, trace, type Span } from '@opentelemetry/api';
import { init } from '../../../src/index.ts';
import type { TracesOptions } from '../../../src/config/traces.ts';
import { readJob, say } from '../job.ts';
import { MANY_SPANS, MANY_START, REMOTE, VARIOUS_SPANS } from '../various-spans.ts';
import { SCOPE } from '../variety.ts';

export interface VariousSpansJob {
  readonly directory: string;
  readonly config: TracesOptions;
}

const { directory, config } = readJob() as VariousSpansJob;
const { name, version, schemaUrl } = SCOPE;
const tracer = init({ address: directory }).tracerProvider(config)!.getTracer(name, version, { schemaUrl });
const remote = trace.setSpanContext(ROOT_CONTEXT, REMOTE);

const spans: Span[] = [];
for (const { name: spanName, kind, parent, start, attributes, links } of VARIOUS_SPANS) {
  const from = parent === undefined ? remote : trace.setSpan(ROOT_CONTEXT, spans[parent]);
  const options = { kind, startTime: start, attributes, links: [...links] };
  spans.push(tracer.startSpan(spanName, options, from));
}
VARIOUS_SPANS.forEach(({ events, status, end }, index) => {
  for (const event of events) spans[index].addEvent(event.name, event.attributes, event.time);
  spans[index].setStatus(status);
  spans[index].end(end);
});
const [seconds] = MANY_START;
for (let number = 0; number < MANY_SPANS; number++) {
  tracer.startSpan('many', { startTime: MANY_START, attributes: { number } }, remote).end([seconds, number]);
}
say({ pid: process.pid, ids: spans.map((span) => span.spanContext().spanId) });
