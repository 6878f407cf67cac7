// node test/faults/postgres.mjs FOLDER PORT: a PostgreSQL server that a test can restart; prints its address.
import { startPostgres } from '../../scripts/services/postgres.mjs';
import { runScript } from '../../scripts/services/process.mjs';

const [dir, port] = process.argv.slice(2);
await runScript(
  async (life) => {
    const settings = {
      fsync: 'off',
      synchronous_commit: 'on',
      max_connections: 300,
      shared_buffers: '128MB',
    };
    const { url } = await startPostgres({ dir, port: Number(port), settings, life });
    process.stdout.write(`${JSON.stringify({ url })}\n`);
    await life.over;
  },
  { interrupted: 0 },
);
