/** A fresh process that has loaded nothing of the product. */
import { answer } from '../requests.ts';

const methods = {
  /** Milliseconds that the import of the recording side takes where `@opentelemetry/api` is loaded. */
  import: async (): Promise<number> => {
    await import('@opentelemetry/api');
    const started = performance.now();
    await import('@multistorageclient/telemetry');
    return performance.now() - started;
  },
  /** Milliseconds that `init` holds the main thread when it starts a server; and the pid of that server. */
  init: async (directory: string): Promise<{ millis: number; pid: number }> => {
    const { init, readTreeStatus, TelemetryMode } = await import('@multistorageclient/telemetry');
    const started = performance.now();
    init({ mode: TelemetryMode.SERVER, address: directory });
    const millis = performance.now() - started;
    for (;;) {
      const pid = readTreeStatus(directory).server?.pid;
      if (pid !== undefined) return { millis, pid };
      await new Promise((resolve) => void setTimeout(resolve, 5));
    }
  },
  /** Milliseconds until the server that this process starts serves; and its pid. */
  serverReady: async (directory: string): Promise<{ millis: number; pid: number }> => {
    const { TelemetryServer } = await import('@multistorageclient/telemetry');
    const started = performance.now();
    const server = new TelemetryServer({ directory });
    await server.start();
    return { millis: performance.now() - started, pid: server.status().server?.pid ?? 0 };
  },
};
export type Methods = typeof methods;
answer(methods);
