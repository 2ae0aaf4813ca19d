// What goes wrong: a command sent twice, an address that leads nowhere, another site's form, a database that is gone.
import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page, Response } from '@playwright/test';
import type { Api, Job } from '../support/api';
import { admin, baseURL, gated, sandboxURL } from '../support/environment';
import { Gate } from '../support/gate';
import { routes } from '../support/routes';
import { expect, test } from '../support/test';
import { hydrated } from '../support/live';

// A trace of so many pages costs more than the pages.
test.use({ trace: 'off' });

/** The latest discoveries. */
async function discoveries(api: Api): Promise<number[]> {
  const { items } = await api.send<{ items: Job[] }>('GET', '/api/jobs?kind=domains.discovery&limit=100');
  return items.map(({ id }) => id);
}

/** Counts the commands the page sends, and holds back their answers until they are let go. */
async function holdBack(page: Page, command: string) {
  let sent = 0;
  let letGo = () => {};
  const free = new Promise<void>((resolve) => (letGo = resolve));
  await page.route(`**/api/fn/${command}`, async (route) => {
    sent += 1;
    await free;
    await route.continue();
  });
  return { sent: () => sent, letGo };
}

test.describe('a button clicked twice', () => {
  test.beforeEach(({ api }) => api.signIn());

  test('starts one discovery, however slow the server is', async ({ page, operator, api }) => {
    await page.goto('/admin');
    await hydrated(page);
    const before = await discoveries(api);
    const command = await holdBack(page, 'trigger_discovery');
    const button = page.getByRole('button', { name: 'Run discovery now' });
    await button.dblclick();
    await expect(button).toBeDisabled();
    await expect(button).toHaveAttribute('aria-busy', 'true');
    // Whoever does not believe the button presses once more.
    await button.click({ force: true });
    command.letGo();
    await expect(operator.notice('Discovery is on its way as job')).toBeVisible();
    await expect(button).toBeEnabled();
    expect((await discoveries(api)).filter((id) => !before.includes(id))).toHaveLength(1);
    expect(command.sent()).toBe(1);
    await api.untilQuiet();
  });

  test('retries a dead letter once', async ({ page, operator, api }) => {
    const job = await api.enqueue('system.fail', { message: 'clicked twice', class: 'rejected' });
    await api.until(job, 'dead');
    const letter = (await api.deadLetters()).find(({ jobId }) => jobId === job)?.id;
    await page.goto('/admin/dead-letter-queue');
    await hydrated(page);
    const command = await holdBack(page, 'retry_dead_letter');
    await page.getByRole('button', { name: `Retry dead letter ${letter}`, exact: true }).dblclick();
    command.letGo();
    await expect(operator.notice(`Job ${job} is scheduled again.`)).toBeVisible();
    await expect(page.getByRole('alert')).toHaveCount(0);
    const log = await api.send<{ items: { message: string }[] }>('GET', '/api/admin/logs?eventType=dlq_retry');
    const said = log.items.map(({ message }) => message).filter((message) => message.includes(`dead letter ${letter} `));
    expect(said).toEqual([`Retry of dead letter ${letter} (job ${job}) scheduled by ${admin.email}`]);
    expect(command.sent()).toBe(1);
  });

  test('starts one discovery before the page is hydrated, too', async ({ page, operator, api }) => {
    await page.route('**/*.wasm', () => {}); // never comes
    await page.goto('/admin', { waitUntil: 'commit' });
    const before = await discoveries(api);
    await page.getByRole('button', { name: 'Run discovery now' }).dblclick();
    await expect(operator.notice('Discovery is on its way as job')).toBeVisible();
    expect((await discoveries(api)).filter((id) => !before.includes(id))).toHaveLength(1);
    await api.untilQuiet();
  });
});

/** A page of ours that says what is wrong, and what the log knows it by. */
async function tells(page: Page, answer: Response | null, status: number): Promise<Locator> {
  expect(answer?.status(), page.url()).toBe(status);
  await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
  await expect(page).toHaveTitle(/^\S.* · Signalbox$/);
  const rules = () => [...document.styleSheets].reduce((sum, sheet) => sum + sheet.cssRules.length, 0);
  await expect.poll(() => page.evaluate(rules), { message: 'the rules of the stylesheet' }).toBeGreaterThan(100);
  const id = answer?.headers()['x-request-id'];
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  const main = page.getByRole('main');
  await expect(main.getByText(`Request ${id}`)).toBeVisible();
  await expect(main.getByText(new RegExp(`^(Error )?${status}$`))).toBeVisible();
  return main;
}

for (const signedIn of [true, false]) {
  test(`an unknown address tells its request's id to ${signedIn ? 'an operator' : 'a stranger'}`, async ({ page, api, complaints }) => {
    complaints.expect(/status of 404/);
    if (signedIn) await api.signIn();
    await tells(page, await page.goto('/nowhere'), 404);
  });
}

test("another site's form is refused by a page that says so", async ({ page, api, complaints }) => {
  complaints.expect(/status of 403/);
  await api.signIn();
  const form = `<form method="post" action="${baseURL}/api/fn/activate_kill_switch">
    <input name="reason" value="a trap"><button>See a film</button></form>`;
  await page.route(`${sandboxURL}/elsewhere`, (route) => route.fulfill({ contentType: 'text/html', body: form }));
  await page.goto(`${sandboxURL}/elsewhere`);
  const answer = page.waitForResponse('**/api/fn/activate_kill_switch');
  await page.getByRole('button', { name: 'See a film' }).click();
  const main = await tells(page, await answer, 403);
  await expect(main).toContainText('This request comes from another site.');
  expect((await api.killSwitch()).active).toBe(false);
});

test.describe('with the database gone', () => {
  test.use({ baseURL: gated.url });
  test.afterEach(({ request }) => new Gate(request).open());

  test('an open page keeps what it shows, says that it is old, and goes on', async ({ page, operator, request, complaints }) => {
    complaints.expect(/503/);
    await page.goto('/login');
    await operator.signIn();
    await operator.goTo('Queues');
    await hydrated(page);
    const gate = new Gate(request);
    await gate.shut();
    const old = page.getByText('The server cannot be reached.');
    await expect(old).toBeVisible({ timeout: 15_000 });
    await expect(operator.heading('Queues')).toBeVisible();
    await expect(page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Config' })).toBeVisible();
    await gate.open();
    await expect(old).toBeHidden({ timeout: 15_000 });
  });

  test('every page says so, and comes back', async ({ page, operator, request, complaints }) => {
    complaints.expect(/503/);
    await page.goto('/login');
    await operator.signIn();
    await expect(operator.heading('Overview')).toBeVisible();
    const gate = new Gate(request);
    await gate.shut();
    // Nothing is read before it is known who asks: which job it is makes no difference.
    const made = { completedJob: 1, deadJob: 1, waitingJob: 1, domain: 1 };
    for (const route of routes.filter((route) => !route.signedOut)) {
      const main = await tells(page, await page.goto(route.path(made)), 503);
      await expect(main).toContainText('The database is not available. Nothing was changed; try again in a moment.');
      await expect(main.getByRole('link', { name: 'Try again' })).toBeVisible();
    }
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    }
    await page.setViewportSize({ width: 320, height: 640 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);

    await page.goto('/admin/queues');
    await gate.open();
    await page.getByRole('link', { name: 'Try again' }).click();
    await expect(operator.heading('Queues')).toBeVisible();
  });

  test('the page to sign in is shown all the same', async ({ page, operator, request }) => {
    await new Gate(request).shut();
    const answer = await page.goto('/admin/jobs');
    expect(answer?.status()).toBe(200);
    await expect(operator.heading('Sign in to Signalbox')).toBeVisible();
    await expect(page.getByLabel('Password')).toBeVisible();
  });
});
