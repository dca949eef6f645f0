import type { INetworkModule, NetworkRequestOptions, NetworkResponse } from '@azure/msal-node';
import { exchangeWithRetries, type RetryPolicy } from './http-retries.ts';
import { parseJson } from './json.ts';
import { reasonOf } from './outcomes.ts';

/**
 * HTTP for MSAL: retried as configured, with authorities of our own to trust. A status that is still temporary after the
 * last try is thrown, not returned: MSAL would refuse to ask again for a minute.
 */
export class MsalNetwork implements INetworkModule {
  readonly #retries: RetryPolicy;
  readonly #ca: () => Promise<string | undefined>;
  #failure: Error | undefined;

  /** Why the last request had no answer, if it had none: MSAL's own errors do not say. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  constructor(retries: RetryPolicy, ca: () => Promise<string | undefined>) {
    this.#retries = retries;
    this.#ca = ca;
  }

  sendGetRequestAsync<T>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<T>> {
    return this.#send('GET', url, options);
  }

  sendPostRequestAsync<T>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<T>> {
    return this.#send('POST', url, options);
  }

  async #send<T>(
    method: string,
    url: string,
    { headers, body = '' }: NetworkRequestOptions = {},
  ): Promise<NetworkResponse<T>> {
    const ca = await this.#ca();
    const request = {
      method,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      ...(ca !== undefined && { ca }),
    };
    this.#failure = undefined;
    const answer = await exchangeWithRetries(url, request, body, this.#retries).catch((cause: unknown) => {
      this.#failure = new Error(`${new URL(url).host}: ${reasonOf(cause)}`, { cause });
      throw this.#failure;
    });
    const received = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
    return {
      status: answer.status,
      headers: Object.fromEntries(received),
      body: parseJson(Buffer.from(answer.body).toString('utf8')) as T,
    };
  }
}
