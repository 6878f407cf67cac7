// The same bytes as static files of nginx, compressed beforehand.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { freePort, launch, stopChild, which } from '../../scripts/services/process.mjs';

/** @returns {string | undefined} the path of nginx */
export function findNginx() {
  return which('nginx') ?? which('/usr/sbin/nginx');
}

/**
 * Starts one worker of nginx.
 * @returns {Promise<{url: string}>}
 */
export async function startNginx(program, folder, answers, life) {
  const root = path.join(folder, 'files');
  mkdirSync(root, { recursive: true });
  for (const { path: name, base64 } of answers) {
    const body = Buffer.from(base64, 'base64');
    writeFileSync(path.join(root, `${name}.gz`), body);
    writeFileSync(path.join(root, name), gunzipSync(body));
  }
  const port = await freePort();
  const configuration = path.join(folder, 'nginx.conf');
  writeFileSync(
    configuration,
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
  default_type application/json;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server { listen 127.0.0.1:${port}; root ${root}; gzip_static on; }
}
`,
  );
  const child = launch(program, ['-c', configuration, '-p', folder, '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    deathSignal: 'SIGTERM',
  });
  life.onEnd(() => stopChild(child, [['SIGTERM', 2_000]]));
  return { url: `http://127.0.0.1:${port}`, pid: child.pid };
}
