"""A model with a training step of its own, as each backend has it written: one optimizer, any objective."""

from __future__ import annotations

from typing import Any

from tests.fits.framework import SETUP, api


class OwnStep(api.Model):
    """Its training step minimizes `objective`, and shows what `show` returns."""

    def objective(self, data: Any) -> tuple[Any, dict[str, Any]]:
        """Returns a batch's loss, which is differentiated, and what `show` gets besides."""
        raise NotImplementedError

    def show(self, loss: Any, parts: dict[str, Any]) -> dict[str, Any]:
        """Returns what the step shows of a batch."""
        return {"loss": loss}

    def after_update(self) -> None:
        """Follows each update."""

    if SETUP == "tensorflow":

        def train_step(self, data: Any) -> Any:
            import tensorflow as tf

            with tf.GradientTape() as tape:
                loss, parts = self.objective(data)
            gradients = tape.gradient(loss, self.trainable_weights)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
            self.after_update()
            return self.show(loss, parts)

    elif SETUP == "torch":

        def train_step(self, data: Any) -> Any:
            import torch

            self.zero_grad()
            loss, parts = self.objective(data)
            loss.backward()
            weights = list(self.trainable_weights)
            with torch.no_grad():
                self.optimizer.apply([weight.value.grad for weight in weights], weights)
                self.after_update()
                return self.show(loss, parts)

    elif SETUP == "jax":

        def train_step(self, state: Any, data: Any) -> Any:  # type: ignore[misc]
            import jax

            trainable, others, optimizer_state, metrics_state = state

            def loss_of(trainable: Any) -> Any:
                pairs = [
                    *zip(self.trainable_variables, trainable, strict=True),
                    *zip(self.non_trainable_variables, others, strict=True),
                ]
                with api.StatelessScope(state_mapping=pairs) as scope:
                    loss, parts = self.objective(data)
                after = [scope.get_current_value(variable) for variable in self.non_trainable_variables]
                return loss, (parts, after)

            (loss, (parts, others)), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable)
            trainable, optimizer_state = self.optimizer.stateless_apply(optimizer_state, gradients, trainable)
            pairs = [
                *zip(self.trainable_variables, trainable, strict=True),
                *zip(self.non_trainable_variables, others, strict=True),
                *zip(self.metrics_variables, metrics_state, strict=True),
            ]
            with api.StatelessScope(state_mapping=pairs) as scope:
                self.after_update()
                logs = self.show(loss, parts)
            others = [scope.get_current_value(variable) for variable in self.non_trainable_variables]
            metrics_state = [scope.get_current_value(variable) for variable in self.metrics_variables]
            return logs, (trainable, others, optimizer_state, metrics_state)
