"""What argocd-update makes of the sources of an Application.

Source: `pkg/promotion/runner/builtin/argocd_updater.go: buildDesiredSources, applyArgoCDSourceUpdate`,
`argocd_revisions.go: getDesiredRevisions`
"""

from __future__ import annotations

from model.kargo.argocd.applications import Application, HelmParameter, Source, sources_of
from model.kargo.argocd.configuration import ImageUpdate, SourceUpdate
from model.kargo.artifacts import normal_git_url

REPORTED_AT_MOST = 3
"""How many Applications an error names whose sources do not fit. Source: `maxValidationErrorsToReport`."""


def desired_revisions(updates: tuple[SourceUpdate, ...], application: Application) -> tuple[str, ...]:
    """The revision desired for each source, empty where any will do.

    Here a repository is only the same if it is spelled the same.
    """
    return tuple(
        next(
            (
                update.desired_revision
                for update in updates
                if (update.repo_url, update.chart) == (source.repo_url, source.chart)
            ),
            "",
        )
        for source in sources_of(application)
    )


def desired_sources(
    updates: tuple[SourceUpdate, ...], application: Application, sanitizes_urls: bool
) -> tuple[Source, ...] | str:
    """The sources after all updates; why that cannot be, if an update fits none of them.

    `sanitizes_urls` is how the release compares Git URLs (`normal_git_url`).
    """
    sources = list(sources_of(application))
    revisions = desired_revisions(updates, application)
    for update in updates:
        place = next((i for i, source in enumerate(sources) if fits(update, source, sanitizes_urls)), None)
        if place is None:
            chart = f' and chart "{update.chart}"' if update.chart else ""
            return (
                f"no source of {application.key.called} matched update for source "
                f"with repoURL {update.repo_url}{chart}"
            )
        sources[place] = _updated(sources[place], update, revisions[place])
    return tuple(sources)


def fits(update: SourceUpdate, source: Source, sanitizes_urls: bool) -> bool:
    """Whether an update is about a source: of two Git repositories the normal forms are compared."""
    if source.chart or update.chart:
        return (source.repo_url, source.chart) == (update.repo_url, update.chart)
    one, other = (normal_git_url(url, sanitizes_urls) for url in (source.repo_url, update.repo_url))
    return one == other


def incompatible(
    updates: tuple[SourceUpdate, ...], applications: tuple[Application, ...], sanitizes_urls: bool
) -> str | None:
    """Why none of several Applications is updated: some have sources that the updates do not fit.

    Source: `validateSourceUpdatesApplicable`
    """
    if len(applications) == 1:
        return None
    problems = [
        f'Application "{app.key.name}" in namespace "{app.key.namespace}": {found}'
        for app in applications
        if isinstance(found := desired_sources(updates, app, sanitizes_urls), str)
    ]
    if not problems:
        return None
    some = f" (showing first {REPORTED_AT_MOST})" if len(problems) > REPORTED_AT_MOST else ""
    return (
        f"selected Applications must have compatible sources; {len(problems)} incompatible{some}. "
        "No Applications were updated:\n" + "\n".join(problems[:REPORTED_AT_MOST])
    )


def _updated(source: Source, update: SourceUpdate, revision: str) -> Source:
    if update.update_target_revision and revision:
        source = source._replace(target_revision=revision)
    if update.kustomize:
        source = source._replace(kustomize_images=tuple(map(image, update.kustomize)))
    for name, value in dict(update.helm).items():
        source = source._replace(helm_parameters=_with_parameter(source.helm_parameters, name, value))
    return source


def image(update: ImageUpdate) -> str:
    """An image as Kustomize takes it. Source: `buildKustomizeImagesForAppSource`."""
    name = f"{update.repo_url}={update.new_name}" if update.new_name else update.repo_url
    return f"{name}@{update.digest}" if update.digest else f"{name}:{update.tag}"


def _with_parameter(parameters: tuple[HelmParameter, ...], name: str, value: str) -> tuple[HelmParameter, ...]:
    """The parameters with that one set.

    An empty value is lost on the way, and the old one stays. Source: `argocdUpdater.recursiveMerge`
    """
    place = next((i for i, parameter in enumerate(parameters) if parameter.name == name), None)
    if place is None:
        return (*parameters, HelmParameter(name, value))
    new = HelmParameter(name, value or parameters[place].value)
    return (*parameters[:place], new, *parameters[place + 1 :])
