import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import Type from 'typebox';
import { HttpError } from '../errors.ts';
import type { App, Parts } from './app_types.ts';
import { answers } from './params.ts';

const FOLDER = new URL('../../plugin/', import.meta.url);
const NAME = 'trivy-plugin.tar.gz';
const BLOCK_BYTES = 512;

/** What an address may hold that is written into a script. */
const HOST = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i;

interface ArchiveFile {
  name: string;
  mode: number;
  content: string;
}

/** `/trivy-plugin.tar.gz`: the Trivy output plugin, which sends to the address that it was installed from. */
export function pluginRoutes(app: App, { version }: Parts): void {
  const manifest = readFileSync(fileURLToPath(new URL('plugin.yaml', FOLDER)), 'utf8');
  const script = readFileSync(fileURLToPath(new URL('trivet.sh', FOLDER)), 'utf8');

  app.get(
    `/${NAME}`,
    {
      schema: {
        tags: ['system'],
        summary: 'The Trivy output plugin, for `trivy plugin install`',
        produces: ['application/gzip'],
        response: answers(Type.Unsafe<Buffer>({ type: 'string', format: 'binary' })),
      },
    },
    async (request, reply) => {
      if (!HOST.test(request.host)) throw new HttpError('bad_request', 'Host is not the name of a host.');
      const url = `${request.protocol === 'https' ? 'https' : 'http'}://${request.host}`;
      const archive = tar([
        {
          name: 'plugin.yaml',
          mode: 0o644,
          // `trivy plugin upgrade` asks again where it came from.
          content: setLine(setLine(manifest, 'version: ', version), 'repository: ', `${url}/${NAME}`),
        },
        { name: 'trivet.sh', mode: 0o755, content: setLine(script, 'default_url=', `'${url}'`) },
      ]);
      return reply.type('application/gzip').header('cache-control', 'no-cache').send(gzipSync(archive));
    },
  );
}

/** Puts a value into the line that begins with `start`. */
function setLine(text: string, start: string, value: string): string {
  return text.replace(new RegExp(`^${start}.*$`, 'm'), () => start + value);
}

/** A tar archive (POSIX ustar) of a few files, the same bytes whenever and by whomever it is made. */
function tar(files: ArchiveFile[]): Buffer {
  const blocks = files.flatMap(({ name, mode, content }) => {
    const data = Buffer.from(content);
    return [header(name, mode, data.length), data, Buffer.alloc(-data.length & (BLOCK_BYTES - 1))];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK_BYTES)]);
}

function header(name: string, mode: number, sizeBytes: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, digits: number, offset: number) =>
    block.write(value.toString(8).padStart(digits, '0'), offset);
  block.write(name, 0);
  octal(mode, 7, 100);
  octal(0, 7, 108); // owner
  octal(0, 7, 116); // group
  octal(sizeBytes, 11, 124);
  octal(0, 11, 136); // time
  block.write(' '.repeat(8), 148); // the checksum, while it is computed
  block.write('0', 156); // an ordinary file
  block.write('ustar\0' + '00', 257);
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    6,
    148,
  );
  block.write('\0 ', 154);
  return block;
}
