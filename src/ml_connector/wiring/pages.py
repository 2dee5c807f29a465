"""What Django has to know of the pages; named by text, so that commands never import them."""

from typing import Any
from urllib.parse import urlsplit

from ml_connector.settings.project import PagesSettings

SESSION_S = 12 * 3600
"""A working day; after it everybody signs in anew."""
SIGN_INS_MAX = 5
"""Wrong passwords for one name from one place before both have to wait."""
WAIT_H = 0.25
WEB = "ml_connector.web"
NOTHING = ["'none'"]
OWN = ["'self'"]


def render_pages(pages: PagesSettings) -> dict[str, Any]:
    """Django's settings for the pages."""
    public = urlsplit(pages.url)
    is_secure = public.scheme == "https"
    hosts = (
        [public.hostname] if public.hostname else [pages.host, "localhost", "127.0.0.1", "[::1]"]
    )
    return {
        "INSTALLED_APPS": APPS,
        "ROOT_URLCONF": f"{WEB}.urls",
        "ALLOWED_HOSTS": hosts,
        "CSRF_TRUSTED_ORIGINS": [f"{public.scheme}://{public.netloc}"] if public.netloc else [],
        "MIDDLEWARE": [
            f"{WEB}.measuring.MeasuringMiddleware",
            "django.middleware.security.SecurityMiddleware",
            "whitenoise.middleware.WhiteNoiseMiddleware",
            "csp.middleware.CSPMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
            "django_htmx.middleware.HtmxMiddleware",
            f"{WEB}.guards.RightsMiddleware",
            "axes.middleware.AxesMiddleware",
        ],
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": [f"{WEB}.context.render_context"]},
            }
        ],
        "STATIC_URL": "/static/",
        "WHITENOISE_USE_FINDERS": True,
        **_render_sign_in(is_secure=is_secure),
        "CONTENT_SECURITY_POLICY": {
            "DIRECTIVES": {
                "default-src": NOTHING,
                "script-src": OWN,
                "style-src": OWN,
                "img-src": [*OWN, "data:"],
                "connect-src": OWN,
                "form-action": OWN,
                "frame-ancestors": NOTHING,
                "base-uri": NOTHING,
            }
        },
    }


APPS = (
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "axes",
    "django_htmx",
    WEB,
)


def _render_sign_in(*, is_secure: bool) -> dict[str, Any]:
    return {
        "AUTHENTICATION_BACKENDS": [
            "axes.backends.AxesStandaloneBackend",
            f"{WEB}.signing.OrganisationBackend",
            f"{WEB}.signing.FactorBackend",
        ],
        "LOGIN_URL": "/sign-in/",
        "SESSION_COOKIE_AGE": SESSION_S,
        "SESSION_COOKIE_NAME": "ml-connector-session",
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": is_secure,
        "CSRF_COOKIE_NAME": "ml-connector-csrf",
        "CSRF_COOKIE_SAMESITE": "Strict",
        "CSRF_COOKIE_SECURE": is_secure,
        "CSRF_FAILURE_VIEW": f"{WEB}.views.failures.show_csrf",
        "SECURE_REFERRER_POLICY": "same-origin",
        "X_FRAME_OPTIONS": "DENY",
        "AXES_FAILURE_LIMIT": SIGN_INS_MAX,
        "AXES_COOLOFF_TIME": WAIT_H,
        "AXES_LOCKOUT_PARAMETERS": [["username", "ip_address"]],
        "AXES_LOCKOUT_CALLABLE": f"{WEB}.signing.refuse_throttled",
        "AXES_USERNAME_CALLABLE": f"{WEB}.signing.name_tries",
        "AXES_CLIENT_IP_CALLABLE": f"{WEB}.signing.find_address",
        "AXES_HANDLER": f"{WEB}.signing.TriesHandler",
        "AXES_SENSITIVE_PARAMETERS": ["username", "ip_address", "name", "password", "code"],
        # Who signed in stands in the audit chain, with the chain's own guard.
        "AXES_DISABLE_ACCESS_LOG": True,
        "AXES_RESET_ON_SUCCESS": True,
        "AXES_ENABLE_ADMIN": False,
        "AXES_VERBOSE": False,
    }
