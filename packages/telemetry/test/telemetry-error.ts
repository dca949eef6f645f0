import assert from 'node:assert/strict';
import { TelemetryError } from '../src/errors.ts';

/** The error of this package that a call throws. */
export function errorOf(call: () => unknown): TelemetryError {
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof TelemetryError, String(thrown));
  return thrown;
}
