"""Who may call what: the rights of the groups, as in the admin."""

from __future__ import annotations

from rest_framework import permissions, request, views


class HasRight(permissions.IsAuthenticated):
    def has_permission(self, request: request.Request, view: views.APIView) -> bool:
        """Tell whether the user has the right; what is no method of the view is told so later."""
        name = "post_right" if request.method == "POST" else "get_right"
        right: str = getattr(view, name)
        is_known = super().has_permission(request, view)
        return is_known and (not right or request.user.has_perm(right))


class RightsView(views.APIView):
    """A view that names the rights that its methods need; where it has none, anybody known may."""

    get_right = ""
    post_right = ""
    permission_classes = (HasRight,)
    http_method_names = ["get", "post", "head"]  # noqa: RUF012 - as the base class has it
