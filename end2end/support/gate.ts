// The gate between the server `gated` and its database.
import { expect, type APIRequestContext } from '@playwright/test';
import { gated } from './environment';

export class Gate {
  constructor(private readonly request: APIRequestContext) {}

  /** Takes the database away. */
  async shut(): Promise<void> {
    process.kill(gated.gate, 'SIGUSR2');
    await this.until(503);
  }

  /** Gives it back. */
  async open(): Promise<void> {
    process.kill(gated.gate, 'SIGHUP');
    await this.until(200);
  }

  private async until(status: number): Promise<void> {
    const now = async () => (await this.request.get(`${gated.url}/readyz`)).status();
    await expect.poll(now, { message: 'what /readyz answers' }).toBe(status);
  }
}
