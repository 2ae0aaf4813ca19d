// Every page without the mouse.
import AxeBuilder from '@axe-core/playwright';
import { expect, test } from '../support/test';

test.beforeEach(async ({ api }) => api.signIn());

test('keys lead from page to page, to the search field, through the rows, and are explained', async ({ page, api, operator }) => {
  const job = await api.enqueue('system.noop', { mark: 'by key' });
  await api.until(job, 'completed');
  await page.goto('/admin');
  await page.waitForLoadState('networkidle');

  await page.keyboard.press('?');
  const keys = page.getByRole('dialog', { name: 'Keys' });
  await expect(keys).toBeVisible();
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.keyboard.press('Escape');
  await expect(keys).toBeHidden();

  await page.keyboard.press('g');
  await page.keyboard.press('j');
  await expect(operator.heading('Jobs')).toBeVisible();
  await page.keyboard.press('/');
  const search = page.getByRole('searchbox').first();
  await expect(search).toBeFocused();
  await page.keyboard.type('gd?');
  await expect(search).toHaveValue('gd?');
  await expect(operator.heading('Jobs')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(search).not.toBeFocused();

  await page.goto('/admin/queues');
  await page.waitForLoadState('networkidle');
  const rows = page.locator('main tbody tr');
  await page.keyboard.press('j');
  await expect(rows.nth(0).getByRole('link').first()).toBeFocused();
  await page.keyboard.press('j');
  await expect(rows.nth(1).getByRole('link').first()).toBeFocused();
  await page.keyboard.press('k');
  await expect(rows.nth(0).getByRole('link').first()).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/admin\/queues\/./);
});

test('the kill switch is turned on and off by keys alone', async ({ page, api, operator }) => {
  await page.goto('/admin');
  await page.waitForLoadState('networkidle');
  await page.keyboard.press('g');
  await page.keyboard.press('k');
  await expect(operator.heading('Kill switch')).toBeVisible();
  const until = async (name: RegExp, role: 'textbox' | 'button') => {
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press('Tab');
      const found = page.getByRole(role, { name });
      if ((await found.count()) && (await found.first().evaluate((element) => element === document.activeElement))) return;
    }
    throw new Error(`no tab leads to ${name}`);
  };
  await until(/^Reason/, 'textbox');
  await page.keyboard.type('by key');
  await until(/^Stop all jobs/, 'button');
  await page.keyboard.press('Enter');
  await expect(operator.notice('The kill switch is on: no job starts.')).toBeVisible();
  expect((await api.killSwitch()).active).toBe(true);
  await expect(page.getByRole('button', { name: /^Release/ })).toBeVisible();
  await until(/^Reason to release/, 'textbox');
  await page.keyboard.type('by key too');
  await until(/^Release/, 'button');
  await page.keyboard.press('Enter');
  await expect(operator.notice('The kill switch is off: jobs start again.')).toBeVisible();
  await api.release();
});
