"""The best accuracy in the summary, every accuracy in the history."""

import wandb

accuracies = [0.3, 0.7, 0.6, 0.9, 0.8]
run = wandb.init(config={"epochs": len(accuracies)})

best_accuracy = 0
for epoch in range(run.config.epochs):
    test_accuracy = accuracies[epoch]
    run.log({"epoch": epoch, "accuracy": test_accuracy})
    if test_accuracy > best_accuracy:
        run.summary["best_accuracy"] = test_accuracy
        best_accuracy = test_accuracy
