// What every story has: an eye on the browser's console, the API, and an operator's ways.
import { test as base, expect, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { Api } from './api';
import { admin } from './environment';

/** Everything the browser complained about. A story that leaves any of it fails. */
export class Complaints {
  private readonly found: string[] = [];
  private readonly expected: RegExp[] = [];

  constructor(context: BrowserContext) {
    context.on('console', (message) => {
      if (!['error', 'warning', 'assert'].includes(message.type())) return;
      this.found.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
    });
    context.on('weberror', (error) => this.found.push(`page error: ${error.error().stack ?? error.error()}`));
    context.on('response', (answer) => {
      if (answer.status() >= 500) this.found.push(`${answer.status()}: ${answer.request().method()} ${answer.url()}`);
    });
  }

  /** A story that provokes a complaint names it. */
  expect(pattern: RegExp): void {
    this.expected.push(pattern);
  }

  unexpected(): string[] {
    return this.found.filter((text) => !this.expected.some((pattern) => pattern.test(text)));
  }
}

export class Operator {
  constructor(
    readonly page: Page,
    private readonly hydrated: boolean,
  ) {}

  async signIn(email = admin.email, password = admin.password): Promise<void> {
    await this.page.getByLabel('Email').fill(email);
    await this.page.getByLabel('Password').fill(password);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
  }

  /** Follows a link of the navigation. */
  async goTo(name: string): Promise<void> {
    const link = this.page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name });
    await link.click();
    await expect(this.heading(name)).toBeVisible();
  }

  heading(name: string | RegExp): Locator {
    return this.page.getByRole('heading', { level: 1, name });
  }

  /** The table row with this text. */
  row(text: string | RegExp): Locator {
    return this.page.getByRole('row').filter({ hasText: text });
  }

  /** A step of the runbook by its name. */
  step(name: string): Locator {
    return this.page.locator('ol.runbook > li').filter({ has: this.page.getByRole('heading', { name }) });
  }

  /** What the last command led to. */
  notice(text: string | RegExp): Locator {
    return this.page.getByRole('status').filter({ hasText: text });
  }

  /** Why the last command was refused. */
  refusal(text: string | RegExp): Locator {
    return this.page.getByRole('alert').filter({ hasText: text });
  }

  /** Until the page shows it: by itself, or reloaded by hand where JavaScript is off. */
  async sees(check: () => Promise<void>): Promise<void> {
    await expect(async () => {
      if (!this.hydrated) await this.page.reload();
      await check();
    }).toPass({ timeout: 45_000, intervals: [200, 400, 800] });
  }
}

interface Fixtures {
  complaints: Complaints;
  api: Api;
  operator: Operator;
}

export const test = base.extend<Fixtures>({
  complaints: [
    async ({ context }, use) => {
      const complaints = new Complaints(context);
      await use(complaints);
      expect(complaints.unexpected(), 'the browser complained').toEqual([]);
    },
    { auto: true },
  ],
  api: async ({ context }, use) => use(new Api(context.request)),
  operator: async ({ page, javaScriptEnabled }, use) => use(new Operator(page, javaScriptEnabled !== false)),
});

export { expect };
export const soon = { timeout: 1_000 };
