import { describe, expect, test } from 'vitest';
import { familiarName, isPathOrId, parseReference } from '../../src/trivy/reference.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

function familiar(text: string): string | null {
  const reference = parseReference(text);
  return reference && familiarName(reference);
}

describe('an image has one name, however it is spelled', () => {
  test.each([
    ['nginx:1.25', 'nginx:1.25'],
    ['library/nginx:1.25', 'nginx:1.25'],
    ['docker.io/nginx:1.25', 'nginx:1.25'],
    ['docker.io/library/nginx:1.25', 'nginx:1.25'],
    ['index.docker.io/library/nginx:1.25', 'nginx:1.25'],
    ['registry-1.docker.io/library/nginx:1.25', 'nginx:1.25'],
    ['Docker.IO/library/nginx:1.25', 'nginx:1.25'],
    ['nginx', 'nginx:latest'],
    ['nginx:', 'nginx:latest'],
    ['docker.io/bitnami/redis', 'bitnami/redis:latest'],
    ['ghcr.io/library/nginx', 'ghcr.io/library/nginx:latest'],
    ['GHCR.io/acme/app:V1', 'ghcr.io/acme/app:V1'],
    ['localhost/app', 'localhost/app:latest'],
    ['localhost:5000/nginx', 'localhost:5000/nginx:latest'],
    ['registry.example:5000/team/app:2', 'registry.example:5000/team/app:2'],
    [`nginx:1.25@${digest}`, 'nginx:1.25'],
    [`docker.io/library/nginx@${digest}`, `nginx@${digest}`],
    [`localhost:5000/nginx@${digest}`, `localhost:5000/nginx@${digest}`],
  ])('%s is %s', (text, name) => {
    expect(familiar(text)).toBe(name);
  });

  test.each(['', ' ', 'a b', 'a\nb', ':tag', '@sha256:00', 'docker.io/', 'docker.io/library/'])(
    '%j is no reference',
    (text) => {
      expect(familiar(text)).toBeNull();
    },
  );
});

test('the halves of a reference are its repository and tag; a digest alone has no tag', () => {
  expect(parseReference('localhost:5000/team/app:1')).toEqual({
    repository: 'localhost:5000/team/app',
    tag: '1',
    digest: null,
  });
  expect(parseReference(`app@${digest}`)).toEqual({ repository: 'app', tag: null, digest });
  expect(parseReference(`app:1@${digest}`)).toEqual({ repository: 'app', tag: '1', digest });
});

test('a familiar name is its own familiar name', () => {
  for (const text of ['index.docker.io/library/nginx', `a/b@${digest}`, 'localhost:5000/x:1']) {
    const name = familiar(text) ?? '';
    expect(familiar(name)).toBe(name);
  }
});

test.each([
  ['/images/nginx.tar', true],
  ['./app', true],
  ['../app', true],
  ['.', true],
  ['C:\\images\\app', true],
  ['testdata/alpine-310.tar.gz', true],
  ['app.tgz', true],
  [digest, true],
  ['nginx:1.25', false],
  ['registry.example/target:1', false],
  ['acme/tarball:1.tar', true],
])('%s is a path, an archive or an id: %s', (name, expected) => {
  expect(isPathOrId(name)).toBe(expected);
});
