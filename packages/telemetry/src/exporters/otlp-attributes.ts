/**
 * Attributes, resources and scopes in protobuf, for the encoders of every signal.
 *
 * In: attributes as the API has them. Out: repeated KeyValue fields, in the order of the keys. Invariant: the same bytes as
 * OpenTelemetry's own serializer writes.
 */
import type { Attributes } from '@opentelemetry/api';
import type { ResourceDescriptor, ScopeDescriptor } from './exporter.ts';
import { isInt64 } from './otlp-json-values.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

/** Writes attributes as repeated KeyValue. */
export function writeAttributes(writer: ProtobufWriter, field: number, attributes: object): void {
  for (const [key, value] of Object.entries(attributes).toReversed()) {
    const before = writer.size;
    writeValue(writer, 2, value);
    writer.stringField(1, key);
    writer.message(field, before);
  }
}

/** An AnyValue; an empty one for what has no place in OTLP. */
function writeValue(writer: ProtobufWriter, field: number, value: unknown): void {
  const before = writer.size;
  if (typeof value === 'string') writer.stringField(1, value);
  else if (typeof value === 'boolean') writer.varintField(2, Number(value));
  else if (typeof value === 'number') {
    if (isInt64(value)) writer.varintField(3, value);
    else writer.doubleField(4, value);
  } else if (value instanceof Uint8Array) writer.bytesField(7, value);
  else if (Array.isArray(value)) {
    for (let index = value.length - 1; index >= 0; index--) writeValue(writer, 1, value[index]);
    writer.message(5, before);
  } else if (typeof value === 'object' && value !== null) {
    writeAttributes(writer, 1, value);
    writer.message(6, before);
  }
  writer.message(field, before);
}

/**
 * Writes what is around the items of every signal: its resources (field 1 of the request), and the scopes in them.
 * `writeItems` writes what one scope has, the last one first.
 */
export function writeResources<Items extends { readonly scope: ScopeDescriptor }>(
  writer: ProtobufWriter,
  resources: readonly { readonly resource: ResourceDescriptor; readonly scopes: readonly Items[] }[],
  writeItems: (items: Items) => void,
): void {
  for (const { resource, scopes } of resources.toReversed()) {
    const before = writer.size;
    writeText(writer, 3, resource.schemaUrl);
    for (const items of scopes.toReversed()) {
      const beforeScope = writer.size;
      writeText(writer, 3, items.scope.schemaUrl);
      writeItems(items);
      writeScope(writer, items.scope);
      writer.message(2, beforeScope);
    }
    writeResource(writer, resource);
    writer.message(1, before);
  }
}

function writeResource(writer: ProtobufWriter, { attributes }: ResourceDescriptor): void {
  const before = writer.size;
  // Dropped attributes: the default, which others write too.
  writer.varintField(2, 0);
  writeAttributes(writer, 1, attributes);
  writer.message(1, before);
}

function writeScope(writer: ProtobufWriter, { name, version }: ScopeDescriptor): void {
  const before = writer.size;
  writeText(writer, 2, version);
  writer.stringField(1, name);
  writer.message(1, before);
}

/** A string that is left out where it says nothing. */
export function writeText(writer: ProtobufWriter, field: number, text: string | undefined): void {
  if (text !== undefined && text !== '') writer.stringField(field, text);
}

const scratch = new ProtobufWriter();

/** Attributes as repeated KeyValue, in bytes of their own. */
export function encodeAttributes(field: number, attributes: Attributes): Uint8Array {
  scratch.reset();
  writeAttributes(scratch, field, attributes);
  return Buffer.from(scratch.written);
}
