import { expect, test } from 'vitest';
import { createBudget } from '../../src/upload/memory.ts';

function pause(ms = 0): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

test('what fits is had at once, what does not waits until it does', async () => {
  const budget = createBudget(10, 1000);
  const first = await budget.reserve(7);
  let admitted = false;
  const second = budget.reserve(4).then((hold) => {
    admitted = true;
    return hold;
  });
  await pause(5);
  expect([admitted, budget.used, budget.waiting]).toEqual([false, 7, 1]);
  first.release();
  await second;
  expect([budget.used, budget.waiting]).toEqual([4, 0]);
});

test('first come, first served: a small one does not overtake a large one', async () => {
  const budget = createBudget(10, 1000);
  const order: string[] = [];
  const first = await budget.reserve(8);
  const large = budget.reserve(9).then((hold) => {
    order.push('large');
    hold.release();
  });
  const small = budget.reserve(1).then(() => order.push('small'));
  await pause(5);
  expect(order).toEqual([]);
  first.release();
  await Promise.all([large, small]);
  expect(order).toEqual(['large', 'small']);
});

test('who waits too long is refused with 429 and told when to come again; who stood behind moves up', async () => {
  const budget = createBudget(10, 30);
  await budget.reserve(8);
  const large = budget.reserve(5);
  const small = budget.reserve(2);
  await expect(large).rejects.toMatchObject({ status: 429, code: 'uploads_busy', retryAfterSeconds: 5 });
  await small;
  expect([budget.used, budget.waiting]).toEqual([10, 0]);
});

test('more than all counts as all', async () => {
  const budget = createBudget(10, 30);
  const hold = await budget.reserve(1000);
  expect(budget.used).toBe(10);
  await hold.grow(1000);
  expect(budget.used).toBe(10);
  hold.release();
  expect(budget.used).toBe(0);
});

test('releasing twice gives back once', async () => {
  const budget = createBudget(10, 30);
  const hold = await budget.reserve(4);
  await budget.reserve(4);
  hold.release();
  hold.release();
  expect(budget.used).toBe(4);
});

test('growing waits like reserving, and keeps what is held when it is refused', async () => {
  const budget = createBudget(10, 30);
  const hold = await budget.reserve(6);
  const other = await budget.reserve(4);
  await expect(hold.grow(1)).rejects.toMatchObject({ status: 429 });
  expect(budget.used).toBe(10);
  other.release();
  await hold.grow(4);
  hold.release();
  expect(budget.used).toBe(0);
});

test('who gives up leaves the line', async () => {
  const budget = createBudget(10, 1000);
  await budget.reserve(10);
  const controller = new AbortController();
  const waiting = budget.reserve(1, controller.signal);
  controller.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  expect(budget.waiting).toBe(0);
  await expect(budget.reserve(1, controller.signal)).rejects.toThrow('gone');
});
