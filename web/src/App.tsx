import { type ComponentType, Suspense } from 'react';
import { Route, Switch, useLocation } from 'wouter';
import { Boundary } from './components/Boundary.tsx';
import { Frame } from './components/Frame.tsx';
import { late } from './parts.ts';
import { NotFound } from './views/NotFound.tsx';

/** A view, fetched when it is first shown. */
const view = <Name extends string>(name: Name, load: () => Promise<Record<Name, ComponentType>>) =>
  late<Name, object>(name, load);

const VIEWS: [path: string, view: ComponentType][] = [
  ['/', view('Overview', () => import('./views/Overview.tsx'))],
  ['/vulnerabilities', view('Vulnerabilities', () => import('./views/Vulnerabilities.tsx'))],
  ['/vulnerabilities/:id', view('Vulnerability', () => import('./views/Vulnerability.tsx'))],
  ['/artifacts', view('Artifacts', () => import('./views/Artifacts.tsx'))],
  ['/artifacts/:id', view('Artifact', () => import('./views/Artifact.tsx'))],
  ['/scans', view('Scans', () => import('./views/Scans.tsx'))],
  ['/scans/:id', view('Scan', () => import('./views/Scan.tsx'))],
  ['/compare', view('Compare', () => import('./views/Compare.tsx'))],
  ['/add', view('AddResults', () => import('./views/AddResults.tsx'))],
  ['/cache', view('Cache', () => import('./views/Cache.tsx'))],
];

export function App() {
  const [location] = useLocation();
  return (
    <Frame>
      <Boundary key={location}>
        <Suspense fallback={null}>
          <Switch>
            {VIEWS.map(([path, View]) => (
              <Route key={path} path={path}>
                {({ id }: { id?: string }) => <View key={id} />}
              </Route>
            ))}
            <Route>
              <NotFound />
            </Route>
          </Switch>
        </Suspense>
      </Boundary>
    </Frame>
  );
}
