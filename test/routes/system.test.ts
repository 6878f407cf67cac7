import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageReport, startApp, type TestApp } from './trivet.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'trivet-web-'));
let trivet: TestApp;
beforeAll(async () => {
  mkdirSync(path.join(folder, 'assets'));
  writeFileSync(path.join(folder, 'index.html'), '<!doctype html><title>Trivet</title>');
  writeFileSync(path.join(folder, 'favicon.svg'), '<svg/>');
  writeFileSync(path.join(folder, 'assets', 'index-1a2b.js'), 'export {};');
  trivet = await startApp({ dashboardFolder: folder });
  await trivet.post(imageReport('web:1', [{ id: 'CVE-2026-1', severity: 'HIGH' }]));
});
afterAll(async () => {
  await trivet?.close();
  rmSync(folder, { recursive: true });
});

describe('the dashboard', () => {
  it.each([
    '/',
    '/vulnerabilities?severity=HIGH',
    '/vulnerabilities/CVE-2026-1',
    '/artifacts',
    '/artifacts/1',
    '/scans',
    '/scans/1',
    '/compare?base=1',
    '/add',
    '/cache',
  ])('%s is its one page', async (url) => {
    const response = await trivet.get(url);
    expect(response.statusCode).toBe(200);
    expect(response.body).toContain('<title>Trivet</title>');
    expect(response.headers['cache-control']).toBe('no-cache');
    expect(response.headers['content-security-policy']).toMatch(/default-src 'none';.*script-src 'self';/);
    expect(response.headers['strict-transport-security']).toBeUndefined();
  });

  it('has assets that never change, and others that may', async () => {
    const asset = await trivet.get('/assets/index-1a2b.js');
    expect(asset.headers['cache-control']).toContain('immutable');
    expect((await trivet.get('/favicon.svg')).headers['cache-control']).toBe('no-cache');
  });

  it.each(['/assets/missing.js', '/../package.json', '/assets/..%2f..%2fpackage.json', '/.env'])(
    '%s is not there',
    async (url) => {
      expect((await trivet.get(url)).json().code).toBe('not_found');
    },
  );

  it.each(['/nonsense', '/artifacts.html', '/vulnerability/CVE-2026-1?x=1'])(
    '%s is its page that says so to people, and a problem to programs',
    async (url) => {
      const page = await trivet.get(url, { headers: { accept: 'text/html,*/*;q=0.8' } });
      expect(page.statusCode).toBe(404);
      expect(page.body).toContain('<title>Trivet</title>');
      expect(page.headers['content-security-policy']).toContain("script-src 'self'");
      expect((await trivet.get(url)).json().code).toBe('not_found');
    },
  );

  it.each(['/api/nonsense', '/api?x', '/assets/missing.js'])('%s is a problem to people too', async (url) => {
    const response = await trivet.get(url, { headers: { accept: 'text/html' } });
    expect(response.statusCode).toBe(404);
    expect(response.json().code).toBe('not_found');
  });

  it('that is not built says how', async () => {
    const bare = await startApp();
    const response = await bare.get('/');
    expect(response.body).toContain('npm run build');
    await bare.close();
  });
});

describe('/docs', () => {
  it('works under a policy of its own', async () => {
    const response = await trivet.get('/docs/static/index.html');
    const page = response.statusCode === 200 ? response : await trivet.get('/docs/');
    expect(page.body).toContain('swagger-ui');
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toMatch(/upgrade-insecure-requests|swagger\.io/);
  });
});

describe('/metrics', () => {
  it('has every metric that is promised', async () => {
    await trivet.get('/api/artifacts');
    const { body, headers } = await trivet.get('/metrics');
    expect(headers['content-type']).toContain('text/plain');
    for (const line of [
      'trivet_cache_requests_total{read="artifacts",outcome="bypass"} 1',
      'trivet_cache_state{state="off"} 1',
      'trivet_cache_load_seconds_count{read="artifacts"} 1',
      'trivet_cache_stale_reads_total 0',
      'trivet_uploads_total{outcome="stored",code=""} 1',
      'trivet_upload_seconds_count 1',
      'trivet_findings{severity="high",fixable="false"} 1',
      'trivet_vulnerabilities{severity="high"} 1',
      'trivet_artifacts{state="live"} 1',
      'trivet_artifacts{state="stale"} 0',
      'trivet_db_pool{state="waiting"} 0',
      `trivet_build_info{version="test",node="${process.version}"} 1`,
      'http_request_duration_seconds_count{route="/api/artifacts",method="GET",status="200"} 1',
    ]) {
      expect(body).toContain(`${line}\n`);
    }
    for (const name of [
      'trivet_cache_pending_invalidations',
      'trivet_cache_oldest_pending_seconds',
      'trivet_cache_redis_seconds',
      'trivet_cache_invalidations_total',
      'trivet_write_confirm_seconds',
      'trivet_last_upload_timestamp_seconds',
      'process_cpu_seconds_total',
      'nodejs_eventloop_lag_seconds',
    ]) {
      expect(body).toContain(`# TYPE ${name} `);
    }
    expect(body).not.toMatch(/^trivet_cache_(epoch|lease_age_seconds) /m);
  });
});

describe('when the process is to end', () => {
  it('it is alive, and not ready', async () => {
    expect((await trivet.get('/readyz')).statusCode).toBe(200);
    trivet.beginClosing();
    const response = await trivet.get('/readyz');
    expect(response.json()).toMatchObject({ status: 503, code: 'not_ready' });
    expect(response.headers['retry-after']).toBeDefined();
    expect((await trivet.get('/healthz')).json()).toEqual({ status: 'ok', version: 'test' });
  });
});

describe('without PostgreSQL', () => {
  it('it is alive, not ready, and says when to come again', async () => {
    const away = await startApp();
    await away.database.close();
    expect((await away.get('/healthz')).statusCode).toBe(200);
    expect((await away.get('/readyz')).statusCode).toBe(503);
    const response = await away.get('/api/artifacts');
    expect(response.json()).toMatchObject({ status: 503, code: 'database_unavailable' });
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
    expect((await away.get('/metrics')).statusCode).toBe(200);
    await away.app.close();
  });
});
